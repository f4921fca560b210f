/* What an instruction costs beside the next one: single loads and stores share the bus with their
 * neighbours (TRM 3.3.2). Where the TRM leaves open how much, it is as jnk0le has measured an STM32F407
 * (github.com/jnk0le/random, "pipeline cycle test"). */
#include "cpu/decode.h"

static bool between(unsigned code, unsigned first, unsigned last)
{
    return code >= first && code <= last;
}

/* Instructions that calculate op->rd. */
static bool calculates(unsigned code)
{
    return between(code, OP_AND_I, OP_MVNS_S) || between(code, OP_MOV_I, OP_SDIV) ||
           between(code, OP_parallel, OP_umaal);
}

static bool addresses(struct cpu_single s, unsigned reg)
{
    return s.is && (s.base == reg || s.index == reg);
}

void cpu_pair(struct op *op, uint16_t next)
{
    unsigned code = op->code >= OP_FIRST_HOT + OP_WIDE ? op->code - OP_WIDE : op->code;
    struct cpu_single s = cpu_single(next);
    bool load = between(code, OP_LDR_I, OP_LDRSH_P), store = between(code, OP_STR_I, OP_STRH_P);
    unsigned form = (code - OP_LDR_I) % 4;
    bool moved = form >= MEM_W && addresses(s, op->rn); /* the base is written back */
    if (load) /* the next one has its address on the bus meanwhile, if it is known by then */
        op->cost = s.is && !moved && !addresses(s, op->rd) ? 1 : 2;
    else if (store && form != MEM_R) /* goes on behind the next instruction; a load has to wait */
        op->cost = s.load || moved ? 2 : 1;
    else if (calculates(code) && addresses(s, op->rd)) /* there is no way past the registers */
        op->cost++;
}
