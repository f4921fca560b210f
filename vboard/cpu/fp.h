/* Single-precision arithmetic of FPv4-SP on bit patterns: pure functions of operands and FPSCR, in
 * which they set the cumulative flags. As the pseudocode of DDI 0403E A2.5: tininess is detected
 * before rounding, NaN operands propagate in ARM's order, FZ, DN, AHP and RMode are obeyed. */
#ifndef VBOARD_CPU_FP_H
#define VBOARD_CPU_FP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FPSCR_IOC = 1 << 0,
    FPSCR_DZC = 1 << 1,
    FPSCR_OFC = 1 << 2,
    FPSCR_UFC = 1 << 3,
    FPSCR_IXC = 1 << 4,
    FPSCR_IDC = 1 << 7,
    FPSCR_CUMULATIVE = 0x9F,
    FPSCR_RMODE = 3 << 22,
    FPSCR_FZ = 1 << 24,
    FPSCR_DN = 1 << 25,
    FPSCR_AHP = 1 << 26
};
enum fp_round { FP_NEAREST, FP_PLUS, FP_MINUS, FP_ZERO }; /* as FPSCR.RMode */

static inline enum fp_round fp_mode(uint32_t fpscr)
{
    return (enum fp_round)(fpscr >> 22 & 3);
}
static inline uint32_t fp_neg(uint32_t a)
{
    return a ^ 0x80000000u;
}

uint32_t fp_add(uint32_t a, uint32_t b, uint32_t *fpscr);
uint32_t fp_sub(uint32_t a, uint32_t b, uint32_t *fpscr);
uint32_t fp_mul(uint32_t a, uint32_t b, uint32_t *fpscr);
uint32_t fp_div(uint32_t a, uint32_t b, uint32_t *fpscr);
uint32_t fp_fma(uint32_t addend, uint32_t a, uint32_t b, uint32_t *fpscr); /* one rounding */
uint32_t fp_sqrt(uint32_t a, uint32_t *fpscr);
/* NZCV as bits 3:0. quiet_too: a quiet NaN is an invalid operation as well. */
uint32_t fp_compare(uint32_t a, uint32_t b, bool quiet_too, uint32_t *fpscr);
/* To and from integers with `fraction` bits behind the point; size 16 or 32 bits, saturating. The
 * result is sign- or zero-extended to 32 bits. */
uint32_t fp_to_fixed(uint32_t a, unsigned size, unsigned fraction, bool is_unsigned, enum fp_round mode,
                     uint32_t *fpscr);
uint32_t fp_from_fixed(int64_t value, unsigned fraction, enum fp_round mode, uint32_t *fpscr);
uint32_t fp_from_half(uint32_t half, uint32_t *fpscr);
uint32_t fp_to_half(uint32_t a, uint32_t *fpscr);

#endif
