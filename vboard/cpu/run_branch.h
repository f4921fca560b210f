/* Branches of the interpreter loop. Part of run.c, which includes it once for each length of an
 * instruction and says there what AT, R, NEXT, TAKE and LEN are. */
AT(B)
{
    TAKE();
}
#define BRANCH_IF(name, test)                                                                                \
    AT(name)                                                                                                 \
    {                                                                                                        \
        if (test)                                                                                            \
            TAKE();                                                                                          \
        NEXT();                                                                                              \
    }
BRANCH_IF(BEQ, cpu->z == 0)
BRANCH_IF(BNE, cpu->z != 0)
BRANCH_IF(BCS, cpu->c)
BRANCH_IF(BCC, !cpu->c)
BRANCH_IF(BMI, cpu->n >> 31)
BRANCH_IF(BPL, !(cpu->n >> 31))
BRANCH_IF(BVS, cpu->v >> 31)
BRANCH_IF(BVC, !(cpu->v >> 31))
BRANCH_IF(BHI, cpu->c && cpu->z != 0)
BRANCH_IF(BLS, !cpu->c || cpu->z == 0)
BRANCH_IF(BGE, !((cpu->n ^ cpu->v) >> 31))
BRANCH_IF(BLT, (cpu->n ^ cpu->v) >> 31)
BRANCH_IF(BGT, cpu->z != 0 && !((cpu->n ^ cpu->v) >> 31))
BRANCH_IF(BLE, cpu->z == 0 || (cpu->n ^ cpu->v) >> 31)
AT(BL)
{
    R(14) = (code_pc(cpu, op) + 4) | 1;
    TAKE();
}
AT(CBZ)
{
    if (R(op->rn) == 0) {
        left -= COMPARED;
        TAKE();
    }
    NEXT();
}
AT(CBNZ)
{
    if (R(op->rn) != 0) {
        left -= COMPARED;
        TAKE();
    }
    NEXT();
}
AT(BLX)
{
    uint32_t target = R(op->rm);
    R(14) = (code_pc(cpu, op) + 2) | 1;
    cpu->r[15] = target;
    goto branch_exchange;
}
AT(BX)
{
    cpu->r[15] = op->rm == 15 ? op->imm : R(op->rm);
    goto branch_exchange;
}
AT(TBB)
{
    uint32_t v, base = op->rn == 15 ? op->imm : R(op->rn);
    READ(uint8_t, 0, base + R(op->rm), v);
    executed++;
    left -= op->cost;
    cpu->r[15] = code_pc(cpu, op) + 4 + 2 * v;
    left -= code_entry(cpu, cpu->r[15]) - ENTRY_LEAST;
    goto jump;
}
AT(TBH)
{
    uint32_t v, base = op->rn == 15 ? op->imm : R(op->rn);
    READ(uint16_t, 1, base + (R(op->rm) << 1), v);
    executed++;
    left -= op->cost;
    cpu->r[15] = code_pc(cpu, op) + 4 + 2 * v;
    left -= code_entry(cpu, cpu->r[15]) - ENTRY_LEAST;
    goto jump;
}
AT(BL_FAR)
{
    R(14) = (code_pc(cpu, op) + 4) | 1;
    executed++;
    left -= code_entry(cpu, op->imm);
    cpu->r[15] = op->imm;
    goto jump;
}
AT(B_FAR)
{
    if (!condition(cpu, op->x))
        NEXT();
    executed++;
    left -= code_entry(cpu, op->imm);
    cpu->r[15] = op->imm;
    goto jump;
}
AT(CB_FAR)
{
    if ((R(op->rn) != 0) != op->x)
        NEXT();
    executed++;
    left -= COMPARED + code_entry(cpu, op->imm);
    cpu->r[15] = op->imm;
    goto jump;
}

AT(IT)
{
    cpu->it = op->imm;
    PICK();
    NEXT();
}
AT(NOP)
{
    NEXT();
}
