/* Flash: times, the stall, errors, and double words that a reset has torn. */
#include "check.h"
#include "port/stm32l433/caches.h"

static const char area[] = "FLASH";

enum { PAGE = 120, PAGE_ADDR = FLASH_ADDR + PAGE * FLASH_PAGE_SIZE, LAST = PAGE_ADDR + FLASH_PAGE_SIZE - 8 };
#define LOW  0x12345678ul
#define HIGH 0x9ABCDEF0ul

static void unlock(void)
{
    if (FLASH->CR & FLASH_CR_LOCK) {
        FLASH->KEYR = FLASH_KEY1;
        FLASH->KEYR = FLASH_KEY2;
    }
}

/* Returns cycles() at the start: the next instruction may have to wait for the end. */
static uint32_t start_erase(void)
{
    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_PER | (uint32_t)PAGE << FLASH_CR_PNB_Pos;
    uint32_t from = cycles();
    FLASH->CR |= FLASH_CR_STRT;
    return from;
}

/* Returns the microseconds it took since `from`; *sr is the flags. */
static uint32_t finish(uint32_t from, uint32_t *sr)
{
    while ((FLASH->SR & FLASH_SR_BSY) && us_since(from) < 100000)
        ;
    uint32_t us = us_since(from);
    *sr = FLASH->SR & FLASH_SR_CLEAR;
    FLASH->SR = *sr;
    FLASH->CR = FLASH_CR_LOCK;
    flash_caches_reset();
    return us;
}

static uint32_t program(uint32_t addr, uint32_t low, uint32_t high, uint32_t *sr)
{
    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_PG;
    REG(addr) = low;
    __ISB();
    uint32_t from = cycles();
    REG(addr + 4) = high;
    return finish(from, sr);
}

/* As the bootloader's writer: EOP and the interrupt, which is masked here. */
static void by_interrupt(void)
{
    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_EOPIE | FLASH_CR_ERRIE | FLASH_CR_PG;
    __disable_irq();
    NVIC_ClearPendingIRQ(FLASH_IRQn);
    REG(PAGE_ADDR + 32) = LOW;
    __ISB();
    REG(PAGE_ADDR + 36) = HIGH;
    wait_us(200);
    bool pending = NVIC_GetPendingIRQ(FLASH_IRQn);
    uint32_t sr = FLASH->SR & FLASH_SR_CLEAR;
    FLASH->SR = sr;
    FLASH->CR = FLASH_CR_LOCK;
    NVIC_ClearPendingIRQ(FLASH_IRQn);
    bool again = NVIC_GetPendingIRQ(FLASH_IRQn);
    __enable_irq();
    check(sr == FLASH_SR_EOP && pending, area, "with EOPIE it ends with EOP and an interrupt", sr, hex);
    check(!again, area, "which does not come again", again, "");
}

/* From SRAM: how long the longest turn of a loop takes while flash is busy that does not touch flash,
 * and how long a read of flash waits. */
struct stall {
    uint32_t longest, read;
};

__attribute__((section(".ramcode"), noinline, long_call)) static void during_erase(struct stall *s)
{
    FLASH->CR |= FLASH_CR_STRT;
    uint32_t before = cycles();
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t now = cycles();
        if (now - before > s->longest)
            s->longest = now - before;
        before = now;
        if (!(FLASH->SR & FLASH_SR_BSY))
            break;
    }
    before = cycles();
    (void)REG(FLASH_ADDR + 0x10000);
    s->read = cycles() - before;
}

void stage_flash(void)
{
    uint32_t sr, us;

    us = finish(start_erase(), &sr);
    check(us >= 20000 && us <= 25000, area, "erasing a page takes", us, "us");
    check(REG(PAGE_ADDR) == 0xFFFFFFFF && REG(LAST + 4) == 0xFFFFFFFF, area, "and leaves ones",
          REG(PAGE_ADDR), hex);
    us = program(PAGE_ADDR, LOW, HIGH, &sr);
    check(us >= 70 && us <= 95, area, "programming a double word takes", us, "us");
    check(REG(PAGE_ADDR) == LOW && REG(PAGE_ADDR + 4) == HIGH, area, "and it reads back", REG(PAGE_ADDR),
          hex);
    check(sr == 0, area, "without a flag (EOP needs EOPIE)", sr, hex);

    program(PAGE_ADDR + 24, 0xFFFFFFFF, HIGH, &sr);
    check(sr == 0 && REG(PAGE_ADDR + 24) == 0xFFFFFFFF && REG(PAGE_ADDR + 28) == HIGH, area,
          "also where its first word is ones", REG(PAGE_ADDR + 28), hex);
    by_interrupt();

    program(PAGE_ADDR, LOW & 0xFFFF, HIGH, &sr);
    check(sr & FLASH_SR_PROGERR, area, "programming over it is PROGERR", sr, hex);
    program(PAGE_ADDR, 0, 0, &sr);
    check(!(sr & FLASH_SR_PROGERR) && REG(PAGE_ADDR) == 0 && REG(PAGE_ADDR + 4) == 0, area,
          "but for zeros, which can always be programmed", sr, hex);
    program(PAGE_ADDR + 8, 0xFFFFFFFF, 0xFFFFFFFF, &sr);
    program(PAGE_ADDR + 8, LOW, HIGH, &sr);
    check(sr & FLASH_SR_PROGERR, area, "programmed ones use up the double word", sr, hex);

    /* The first word of a pair is forgotten when PG is cleared. */
    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_PG;
    REG(PAGE_ADDR + 16) = 0;
    __DSB();
    FLASH->CR = 0;
    program(PAGE_ADDR + 16, LOW, HIGH, &sr);
    check(sr == 0 && REG(PAGE_ADDR + 16) == LOW, area, "clearing PG forgets the first word of a pair", sr,
          hex);

    /* CR without keys. */
    bool quiet = write_word((uint32_t)&FLASH->CR, FLASH_CR_LOCK | FLASH_CR_PG);
    check(quiet && !(FLASH->CR & FLASH_CR_PG), area, "FLASH_CR ignores writes while locked", FLASH->CR, hex);

    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_PER | (uint32_t)PAGE << FLASH_CR_PNB_Pos;
    struct stall s = {0, 0};
    __disable_irq();
    during_erase(&s);
    __enable_irq();
    (void)finish(cycles(), &sr);
    check(s.longest < 200, area, "code in SRAM goes on during an erase; longest turn", s.longest, "cycles");
    check(s.read > 10000 * CORE_MHZ, area, "a read of flash waits for its end", s.read / CORE_MHZ, "us");
    check(!(FLASH->SR & FLASH_SR_PEMPTY), area, "PEMPTY is 0 once flash is programmed", FLASH->SR, hex);
}

/* Keys while unlocked: a bus error, and locked until the next reset. */
void stage_flash_keys(void)
{
    unlock();
    uint32_t before = faults;
    (void)write_word((uint32_t)&FLASH->KEYR, FLASH_KEY1);
    (void)write_word((uint32_t)&FLASH->KEYR, FLASH_KEY2);
    check(faults != before, area, "keys while unlocked are a bus error", faults - before, "faults");
    check(FLASH->CR & FLASH_CR_LOCK, area, "and lock", FLASH->CR, hex);
    (void)write_word((uint32_t)&FLASH->KEYR, FLASH_KEY1);
    (void)write_word((uint32_t)&FLASH->KEYR, FLASH_KEY2);
    check(FLASH->CR & FLASH_CR_LOCK, area, "until the next reset", FLASH->CR, hex);

    /* For the next stage: half a pair, words in the mailbox and in SRAM1. */
    REG(MAILBOX_ADDR) = 0x4D41494C;
    clear_flags();
    reset_now();
}

void stage_after_reset(void)
{
    uint32_t sr, flags = as_reset.csr & RCC_CSR_FLAGS;
    check(flags == (RCC_CSR_SFTRSTF | RCC_CSR_PINRSTF), "RESET", "a software reset sets SFTRSTF and PINRSTF",
          flags, hex);
    check(REG(MAILBOX_ADDR) == 0x4D41494C, "RESET", "the mailbox survives a reset", REG(MAILBOX_ADDR), hex);
    unlock();
    check(!(FLASH->CR & FLASH_CR_LOCK), area, "and the keys work again", FLASH->CR, hex);
    FLASH->CR = FLASH_CR_LOCK;
    (void)finish(start_erase(), &sr);
    keep(KEPT_A, 0);
    keep(KEPT_B, 0);
    keep(KEPT_C, 0);
    keep(KEPT_D, 0);
}

/* ---- torn double words ------------------------------------------------------------------- */

/* KEPT_A: how many so far. KEPT_B: unreadable, _C: neither old nor new, _D: wrong addresses of NMIs. */
enum { TRIES = 46, STEP_US = 2 };

static uint32_t torn_addr(uint32_t n)
{
    return PAGE_ADDR + 8 * n;
}

static void look_at_torn(uint32_t n)
{
    uint32_t addr = torn_addr(n), before = nmis;
    uint32_t low = REG(addr), high = REG(addr + 4);
    __DSB();
    __ISB();
    if (nmis != before) {
        keep(KEPT_B, kept(KEPT_B) + 1);
        if ((nmi_eccr & FLASH_ECCR_ADDR_ECC) != addr - FLASH_ADDR)
            keep(KEPT_D, kept(KEPT_D) + 1);
    } else if (!(low == LOW && high == HIGH) && !(low == 0xFFFFFFFF && high == 0xFFFFFFFF)) {
        keep(KEPT_C, kept(KEPT_C) + 1);
    }
}

__attribute__((section(".ramcode"), noinline, long_call)) static void program_and_reset(uint32_t addr,
                                                                                        uint32_t us)
{
    REG(addr) = LOW;
    __ISB();
    REG(addr + 4) = HIGH;
    for (uint32_t from = cycles(); us_since(from) < us;)
        ;
    SCB->AIRCR = 0x05FA0004ul;
    __DSB();
    for (;;)
        ;
}

void stage_torn(void)
{
    uint32_t n = kept(KEPT_A);
    if (n > 0)
        look_at_torn(n - 1);
    if (n == TRIES)
        return;
    keep(KEPT_A, n + 1);
    keep(KEPT_STAGE, kept(KEPT_STAGE) - 1); /* once more */
    unlock();
    FLASH->SR = FLASH_SR_CLEAR;
    FLASH->CR = FLASH_CR_PG;
    __disable_irq();
    program_and_reset(torn_addr(n), n * STEP_US);
}

static uint32_t nmis_of(uint32_t addr)
{
    uint32_t before = nmis;
    (void)REG(addr);
    __DSB();
    __ISB();
    return nmis - before;
}

/* The bootloader reads without the data cache, where a double word is to be unreadable each time. What the
 * cache makes of it, and of its neighbours in a line, is measured. */
static void unreadable_again(void)
{
    uint32_t acr = FLASH->ACR, seen = 0, with_cache = 0, beside = 0, readable = 0;
    unsigned n = 0;
    FLASH->ACR = acr & ~FLASH_ACR_DCEN;
    while (n < TRIES && nmis_of(torn_addr(n)) == 0)
        n++;
    if (n < TRIES)
        seen = nmis_of(torn_addr(n)) + nmis_of(torn_addr(n)) + nmis_of(torn_addr(n) + 4);
    for (unsigned i = n & ~3u; n < TRIES && i < (n | 3u) + 1; i++)
        readable |= (uint32_t)(nmis_of(torn_addr(i)) == 0) << i % 4;
    FLASH->ACR = acr;
    if (n == TRIES)
        return;
    check(seen == 3, area, "an unreadable word is an NMI each time without data cache; of 3", seen, "");
    flash_caches_reset();
    with_cache = nmis_of(torn_addr(n)) + nmis_of(torn_addr(n)) + nmis_of(torn_addr(n) + 4);
    measured(area, "and with the data cache", with_cache, "");
    for (unsigned i = 0; i < 4; i++) {
        flash_caches_reset();
        if (readable >> i & 1)
            beside += nmis_of(torn_addr((n & ~3u) + i));
    }
    measured(area, "NMIs of readable words in one line of the cache with it", beside, "");
}

void stage_torn_result(void)
{
    uint32_t sr;
    measured(area, "resets while a double word was programmed", TRIES, "");
    measured(area, "left unreadable words (ECC)", kept(KEPT_B), "");
    measured(area, "and readable ones that are neither old nor new", kept(KEPT_C), "");
    check(kept(KEPT_D) == 0, area, "the NMI of an unreadable word names its address in ECCR; wrong ones",
          kept(KEPT_D), "");

    unreadable_again();

    /* With ECCD left set. */
    for (uint32_t n = 0; n < TRIES && kept(KEPT_B); n++) {
        uint32_t before = nmis;
        (void)REG(torn_addr(n));
        __DSB();
        __ISB();
        if (nmis == before)
            continue;
        flash_caches_reset();
        before = nmis;
        nmi_keep = 1;
        (void)REG(torn_addr(n));
        __DSB();
        __ISB();
        measured(area, "NMIs of one read if the handler leaves ECCD set once", nmis - before, "");
        nmi_keep = 0;
        FLASH->ECCR = FLASH->ECCR;
        break;
    }
    (void)finish(start_erase(), &sr);
    uint32_t before = nmis;
    for (uint32_t n = 0; n < TRIES; n++)
        (void)REG(torn_addr(n));
    __DSB();
    check(nmis == before, area, "an erase heals them", nmis - before, "NMIs");
}

/* ---- option bytes ------------------------------------------------------------------------ */

void stage_options(void)
{
    unlock();
    FLASH->OPTKEYR = FLASH_OPTKEY1;
    FLASH->OPTKEYR = FLASH_OPTKEY2;
    clear_flags();
    FLASH->CR |= FLASH_CR_OBL_LAUNCH;
    wait_us(100000);
    check(false, area, "OBL_LAUNCH resets", 0, none);
}

void stage_after_options(void)
{
    uint32_t flags = as_reset.csr & RCC_CSR_FLAGS;
    check(flags & RCC_CSR_OBLRSTF, area, "OBL_LAUNCH resets with OBLRSTF", flags, hex);
    check(!(FLASH->SR & FLASH_SR_PEMPTY), area, "PEMPTY is evaluated and 0", FLASH->SR, hex);
}
