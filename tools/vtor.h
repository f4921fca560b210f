/* Where an image sets VTOR, found by reading its code. */
#ifndef TOOLS_VTOR_H
#define TOOLS_VTOR_H

#include <stdbool.h>
#include <stdint.h>

/* Looks for a store of a constant to SCB->VTOR (0xE000ED08) in the code of an image that is loaded at
 * `base`: the compilers' usual forms, an address in a register from a literal or MOVW/MOVT and a value
 * from a literal, MOV or MOVW/MOVT, within one straight piece of code. Calls `found` for each, with the
 * address of the store and the value. What is computed in other ways is not seen. */
void vtor_stores(const uint8_t *code, uint32_t size, uint32_t base,
                 void (*found)(void *arg, uint32_t at, uint32_t value), void *arg);

#endif
