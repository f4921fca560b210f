/* Companding as in ITU-T G.711: a code of eight bits for a linear value of 14 bits (µ-law) or 13 (A-law). */
#ifndef VBOARD_CHIP_G711_H
#define VBOARD_CHIP_G711_H

#include <stdbool.h>
#include <stdint.h>

int g711_expand(bool a_law, uint8_t code);
uint8_t g711_compress(bool a_law, int value); /* beyond the greatest value: the greatest */

#endif
