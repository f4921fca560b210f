/* The error-correcting code of the flash: 8 check bits for 64 data bits, single errors corrected,
 * double errors detected. RM0394 "Error code correction (ECC)". */
#ifndef VBOARD_CHIP_ECC_H
#define VBOARD_CHIP_ECC_H

#include <stdint.h>

enum ecc_result { ECC_GOOD, ECC_CORRECTED, ECC_BAD };

uint8_t ecc_encode(uint64_t data);
/* Looks at 72 cells as read; puts right what can be. Erased (all ones) is good, and with one zero
 * among the ones it is corrected; two zeros there are not always detected, as on the chip. */
enum ecc_result ecc_decode(uint64_t *data, uint8_t *check);

#endif
