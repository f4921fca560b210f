/* Loads and stores of the interpreter loop, those of the FPU included. Part of run.c, which includes it
 * once for each length of an instruction and says there what AT, R, NEXT, SYNC and the like are. */
#define LOAD(name, type, log)                                                                                \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t v;                                                                                          \
        READ(type, log, R(op->rn) + op->imm, v);                                                             \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t v;                                                                                          \
        READ(type, log, R(op->rn) + (R(op->rm) << op->sh), v);                                               \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_W)                                                                                             \
    {                                                                                                        \
        uint32_t v, b = R(op->rn) + op->imm;                                                                 \
        READ(type, log, b, v);                                                                               \
        R(op->rn) = b;                                                                                       \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_P)                                                                                             \
    {                                                                                                        \
        uint32_t v, b = R(op->rn);                                                                           \
        READ(type, log, b, v);                                                                               \
        R(op->rn) = b + op->imm;                                                                             \
        R(op->rd) = v;                                                                                       \
        NEXT();                                                                                              \
    }
LOAD(LDR, uint32_t, 2)
LOAD(LDRB, uint8_t, 0)
LOAD(LDRH, uint16_t, 1)
LOAD(LDRSB, int8_t, 0)
LOAD(LDRSH, int16_t, 1)
#define STORE(name, type, log)                                                                               \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        WRITE(type, log, R(op->rn) + op->imm, R(op->rd));                                                    \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        WRITE(type, log, R(op->rn) + (R(op->rm) << op->sh), R(op->rd));                                      \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_W)                                                                                             \
    {                                                                                                        \
        uint32_t b = R(op->rn) + op->imm;                                                                    \
        WRITE(type, log, b, R(op->rd));                                                                      \
        R(op->rn) = b;                                                                                       \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_P)                                                                                             \
    {                                                                                                        \
        uint32_t b = R(op->rn);                                                                              \
        WRITE(type, log, b, R(op->rd));                                                                      \
        R(op->rn) = b + op->imm;                                                                             \
        NEXT();                                                                                              \
    }
STORE(STR, uint32_t, 2)
STORE(STRB, uint8_t, 0)
STORE(STRH, uint16_t, 1)

/* x: 1 write-back, 2 decrement before. rm: number of registers. */
AT(LDM)
{
    uint32_t words = op->rm, base = R(op->rn), addr = op->x & 2 ? base - words * 4 : base, list = op->imm;
    bool marked;
    const uint8_t *p = LOAD_BLOCK(addr, words, &marked);
    if (p != NULL) {
        for (; list != 0; list &= list - 1, p += 4)
            memcpy(&R((unsigned)__builtin_ctz(list)), p, 4);
    } else {
        uint32_t v[16];
        SYNC();
        if (!cpu_load_words(cpu, addr, words, v))
            FAIL();
        RELOAD();
        for (unsigned i = 0; list != 0; list &= list - 1, i++)
            R((unsigned)__builtin_ctz(list)) = v[i];
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + words * 4;
    NEXT();
}
AT(STM)
{
    uint32_t words = op->rm, base = R(op->rn), addr = op->x & 2 ? base - words * 4 : base, list = op->imm;
    bool marked = false;
    uint8_t *p = STORE_BLOCK(addr, words, &marked);
    if (p != NULL) {
        for (uint8_t *to = p; list != 0; list &= list - 1, to += 4)
            memcpy(to, &R((unsigned)__builtin_ctz(list)), 4);
        if (marked)
            code_written(cpu, p, words * 4);
    } else {
        uint32_t v[16];
        for (unsigned i = 0; list != 0; list &= list - 1, i++)
            v[i] = R((unsigned)__builtin_ctz(list));
        SYNC();
        if (!cpu_store_words(cpu, addr, words, v))
            FAIL();
        RELOAD();
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + words * 4;
    NEXT();
}
/* x: 1 write-back, 2 post-indexed */
AT(LDRD)
{
    uint32_t base = R(op->rn), to = base + op->imm, addr = op->x & 2 ? base : to, v[2];
    bool marked;
    const uint8_t *p = LOAD_BLOCK(addr, 2, &marked);
    if (p != NULL) {
        memcpy(v, p, sizeof v);
    } else {
        SYNC();
        if (!cpu_load_words(cpu, addr, 2, v))
            FAIL();
        RELOAD();
    }
    if (op->x & 1)
        R(op->rn) = to;
    R(op->rd) = v[0];
    R(op->rm) = v[1];
    NEXT();
}
AT(STRD)
{
    uint32_t base = R(op->rn), to = base + op->imm, addr = op->x & 2 ? base : to;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    WRITE(uint32_t, 2, addr, R(op->rd));
    WRITE(uint32_t, 2, addr + 4, R(op->rm));
    if (op->x & 1)
        R(op->rn) = to;
    NEXT();
}

/* ---- floating-point loads and stores: s[rd], [rn + imm] ---- */
AT(VLDR)
{
    uint32_t v, words = op->x;
    FP_READY();
    uint32_t addr = R(op->rn) + op->imm;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    READ(uint32_t, 2, addr, v);
    if (words == 2) {
        uint32_t hi;
        READ(uint32_t, 2, addr + 4, hi);
        cpu->s[op->rd + 1] = hi;
    }
    cpu->s[op->rd] = v;
    NEXT();
}
AT(VSTR)
{
    FP_READY();
    uint32_t addr = R(op->rn) + op->imm;
    if (addr & 3) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_UNALIGNED);
        goto fault;
    }
    WRITE(uint32_t, 2, addr, cpu->s[op->rd]);
    if (op->x == 2)
        WRITE(uint32_t, 2, addr + 4, cpu->s[op->rd + 1]);
    NEXT();
}
/* rd: first register, rm: how many; imm: bytes that the base moves; x: bit 0 write-back, bit 1
 * decrement before */
AT(VLDM)
{
    FP_READY();
    uint32_t base = R(op->rn), words = op->rm, addr = op->x & 2 ? base - op->imm : base;
    bool marked;
    const uint8_t *p = LOAD_BLOCK(addr, words, &marked);
    if (p != NULL) {
        for (unsigned i = 0; i < words; i++)
            memcpy(&cpu->s[op->rd + i], p + 4 * i, 4);
    } else {
        uint32_t v[32];
        SYNC();
        if (!cpu_load_words(cpu, addr, words, v))
            FAIL();
        RELOAD();
        memcpy(&cpu->s[op->rd], v, words * sizeof *v);
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + op->imm;
    NEXT();
}
AT(VSTM)
{
    FP_READY();
    uint32_t base = R(op->rn), words = op->rm, addr = op->x & 2 ? base - op->imm : base;
    bool marked = false;
    uint8_t *p = STORE_BLOCK(addr, words, &marked);
    if (p != NULL) {
        for (unsigned i = 0; i < words; i++)
            memcpy(p + 4 * i, &cpu->s[op->rd + i], 4);
        if (marked)
            code_written(cpu, p, words * 4);
    } else {
        SYNC();
        if (!cpu_store_words(cpu, addr, words, &cpu->s[op->rd]))
            FAIL();
        RELOAD();
    }
    if (op->x & 1)
        R(op->rn) = op->x & 2 ? addr : base + op->imm;
    NEXT();
}
