/* Data processing, multiply and divide of the interpreter loop. Part of run.c, which includes it once
 * for each length of an instruction and says there what AT, R, NEXT and LEN are. */
#define SET_NZ(value) (cpu->n = cpu->z = (value))
#define LOGIC(name, expr)                                                                                    \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_S)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        (void)a;                                                                                             \
        R(op->rd) = (expr);                                                                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_I)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        if (op->x)                                                                                           \
            cpu->c = op->sh;                                                                                 \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_R)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_S)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op), k = shift_carry(cpu, op);                              \
        (void)a;                                                                                             \
        SET_NZ(R(op->rd) = (expr));                                                                          \
        cpu->c = k;                                                                                          \
        NEXT();                                                                                              \
    }
LOGIC(AND, (a & b))
LOGIC(BIC, a & ~b)
LOGIC(ORR, a | b)
LOGIC(ORN, a | ~b)
LOGIC(EOR, a ^ b)
LOGIC(MVN, ~b)
#define LOGIC_TEST(name, expr)                                                                               \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        SET_NZ(expr);                                                                                        \
        if (op->x)                                                                                           \
            cpu->c = op->sh;                                                                                 \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        SET_NZ(expr);                                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_S)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op), k = shift_carry(cpu, op);                              \
        SET_NZ(expr);                                                                                        \
        cpu->c = k;                                                                                          \
        NEXT();                                                                                              \
    }
LOGIC_TEST(TST, (a & b))
LOGIC_TEST(TEQ, a ^ b)

/* AddWithCarry(x, y, carry) */
#define ADC_FLAGS(store, x, y, carry)                                                                        \
    do {                                                                                                     \
        uint32_t x_ = (x), y_ = (y);                                                                         \
        uint64_t sum_ = (uint64_t)x_ + y_ + (carry);                                                         \
        uint32_t r_ = (uint32_t)sum_;                                                                        \
        cpu->c = (uint32_t)(sum_ >> 32);                                                                     \
        cpu->v = (x_ ^ r_) & (y_ ^ r_);                                                                      \
        SET_NZ(r_);                                                                                          \
        store;                                                                                               \
    } while (0)
#define ARITH(name, x, y, carry)                                                                             \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_S)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        R(op->rd) = (x) + (y) + (carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_I)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_R)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_S)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        ADC_FLAGS(R(op->rd) = r_, x, y, carry);                                                              \
        NEXT();                                                                                              \
    }
ARITH(ADD, a, b, 0)
ARITH(ADC, a, b, cpu->c)
ARITH(SUB, a, ~b, 1)
ARITH(SBC, a, ~b, cpu->c)
ARITH(RSB, ~a, b, 1)
#define ARITH_TEST(name, x, y, carry)                                                                        \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = op->imm;                                                                 \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = R(op->rm);                                                               \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##_S)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), b = shifted(cpu, op);                                                        \
        ADC_FLAGS((void)0, x, y, carry);                                                                     \
        NEXT();                                                                                              \
    }
ARITH_TEST(CMN, a, b, 0)
ARITH_TEST(CMP, a, ~b, 1)

AT(MOV_I)
{
    R(op->rd) = op->imm;
    NEXT();
}
AT(MOVS_I)
{
    SET_NZ(R(op->rd) = op->imm);
    if (op->x)
        cpu->c = op->sh;
    NEXT();
}
AT(MOV_R)
{
    R(op->rd) = R(op->rm);
    NEXT();
}
AT(MOVS_R)
{
    SET_NZ(R(op->rd) = R(op->rm));
    NEXT();
}
AT(MOVT)
{
    R(op->rd) = (R(op->rd) & 0xffff) | op->imm << 16;
    NEXT();
}

/* Shifts by a constant of 1 to 32, and by a register (the value in rn, the amount in rm). */
#define SHIFT_IMM(name, expr, carry)                                                                         \
    AT(name##_I)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rm), n = op->sh;                                                                  \
        R(op->rd) = (uint32_t)(expr);                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_I)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rm), n = op->sh;                                                                  \
        cpu->c = (uint32_t)(carry)&1;                                                                        \
        SET_NZ(R(op->rd) = (uint32_t)(expr));                                                                \
        NEXT();                                                                                              \
    }
SHIFT_IMM(LSL, (uint64_t)a << n, a >> (32 - n))
SHIFT_IMM(LSR, (uint64_t)a >> n, a >> (n - 1))
SHIFT_IMM(ASR, (int64_t)(int32_t)a >> n, a >> (n - 1))
SHIFT_IMM(ROR, ror(a, n), a >> (n - 1))
#define SHIFT_REG(name, expr, carry)                                                                         \
    AT(name##_R)                                                                                             \
    {                                                                                                        \
        uint32_t a = R(op->rn), n = R(op->rm) & 0xff;                                                        \
        R(op->rd) = (uint32_t)(expr);                                                                        \
        NEXT();                                                                                              \
    }                                                                                                        \
    AT(name##S_R)                                                                                            \
    {                                                                                                        \
        uint32_t a = R(op->rn), n = R(op->rm) & 0xff;                                                        \
        if (n != 0)                                                                                          \
            cpu->c = (uint32_t)(carry)&1;                                                                    \
        SET_NZ(R(op->rd) = (uint32_t)(expr));                                                                \
        NEXT();                                                                                              \
    }
SHIFT_REG(LSL, n > 32 ? 0 : (uint64_t)a << n, n > 32 ? 0 : (uint64_t)a << n >> 32)
SHIFT_REG(LSR, n > 32 ? 0 : (uint64_t)a >> n, n > 32 ? 0 : (uint64_t)a >> (n - 1))
SHIFT_REG(ASR, (int64_t)(int32_t)a >> (n > 32 ? 32 : n), (int64_t)(int32_t)a >> (n > 32 ? 32 : n - 1))
SHIFT_REG(ROR, ror(a, n), ror(a, n) >> 31)

AT(RRX)
{
    R(op->rd) = R(op->rm) >> 1 | cpu->c << 31;
    NEXT();
}
AT(RRXS)
{
    uint32_t a = R(op->rm);
    SET_NZ(R(op->rd) = a >> 1 | cpu->c << 31);
    cpu->c = a & 1;
    NEXT();
}

AT(BFI)
{
    R(op->rd) = (R(op->rd) & ~op->imm) | (R(op->rn) << op->sh & op->imm);
    NEXT();
}
AT(UBFX)
{
    R(op->rd) = R(op->rn) >> op->sh & (0xffffffffu >> (32 - op->x));
    NEXT();
}
AT(SBFX)
{
    R(op->rd) = (uint32_t)((int32_t)(R(op->rn) << (32 - op->x - op->sh)) >> (32 - op->x));
    NEXT();
}
AT(CLZ)
{
    uint32_t a = R(op->rm);
    R(op->rd) = a == 0 ? 32 : (uint32_t)__builtin_clz(a);
    NEXT();
}
AT(REV)
{
    R(op->rd) = __builtin_bswap32(R(op->rm));
    NEXT();
}
AT(REV16)
{
    uint32_t a = R(op->rm);
    R(op->rd) = (a & 0x00ff00ff) << 8 | (a >> 8 & 0x00ff00ff);
    NEXT();
}
AT(UXTB)
{
    R(op->rd) = (uint8_t)R(op->rm);
    NEXT();
}
AT(UXTH)
{
    R(op->rd) = (uint16_t)R(op->rm);
    NEXT();
}
AT(SXTB)
{
    R(op->rd) = (uint32_t)(int8_t)R(op->rm);
    NEXT();
}
AT(SXTH)
{
    R(op->rd) = (uint32_t)(int16_t)R(op->rm);
    NEXT();
}

/* ---- multiply and divide ---- */
AT(MUL)
{
    R(op->rd) = R(op->rn) * R(op->rm);
    NEXT();
}
AT(MULS)
{
    SET_NZ(R(op->rd) = R(op->rn) * R(op->rm));
    NEXT();
}
AT(MLA)
{
    R(op->rd) = R(op->rn) * R(op->rm) + R(op->rs);
    NEXT();
}
AT(MLS)
{
    R(op->rd) = R(op->rs) - R(op->rn) * R(op->rm);
    NEXT();
}
#define LONG_MUL(name, product, add)                                                                         \
    AT(name)                                                                                                 \
    {                                                                                                        \
        uint64_t p = (uint64_t)(product) + ((add) ? (uint64_t)R(op->rd) << 32 | R(op->rs) : 0);              \
        R(op->rs) = (uint32_t)p;                                                                             \
        R(op->rd) = (uint32_t)(p >> 32);                                                                     \
        NEXT();                                                                                              \
    }
LONG_MUL(UMULL, (uint64_t)R(op->rn) * R(op->rm), false)
LONG_MUL(SMULL, (int64_t)(int32_t)R(op->rn) * (int32_t)R(op->rm), false)
LONG_MUL(UMLAL, (uint64_t)R(op->rn) * R(op->rm), true)
LONG_MUL(SMLAL, (int64_t)(int32_t)R(op->rn) * (int32_t)R(op->rm), true)

AT(UDIV)
{
    uint32_t n = R(op->rn), d = R(op->rm);
    if (d == 0 && (cpu->ccr & CCR_DIV_0_TRP)) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_DIVBYZERO);
        goto fault;
    }
    R(op->rd) = d == 0 ? 0 : n / d;
    left -= d == 0 ? 0 : divide_cost(n, d);
    NEXT();
}
AT(SDIV)
{
    int32_t n = (int32_t)R(op->rn), d = (int32_t)R(op->rm);
    if (d == 0 && (cpu->ccr & CCR_DIV_0_TRP)) {
        SYNC();
        cpu_raise(cpu, EXC_USAGE, CFSR_DIVBYZERO);
        goto fault;
    }
    R(op->rd) = d == 0 ? 0 : (uint32_t)((int64_t)n / d);
    uint32_t size = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
    if (d < 0 && n == INT32_MIN)
        size--;
    left -= d == 0 ? 0 : divide_cost(size, (uint32_t)(d < 0 ? ~d : d));
    NEXT();
}
