/* The application kit (sureboot.h): by itself, with nothing but register access. Registers are named as
 * in RM0394 and PM0214. */
#include "sureboot.h"

#define REG(addr) (*(volatile uint32_t *)(addr))

_Static_assert(SUREBOOT_BKP >= 0 && SUREBOOT_BKP <= 31, "the RTC has the backup registers 0 to 31");

/* From sureboot.ld; they also make the link fail where that was forgotten. */
extern uint32_t sureboot_vectors[], sureboot_mailbox[];

enum {
    ALONE_ADDR = 0x08000000,
    LEDGER_ADDR = 0x0803F000,
    LEDGER_SIZE = 0x1000,
    PAGE_SIZE = 0x800,
    SYSTEM_ADDR = 0x1FFF0000,
    MAX_HZ = 80000000,
    OFF_BUS_MS = 21, /* long enough for every hub to notice */
    NEW_TRANSFER_MS = 100
};
#define TOKEN_DFU 0xDEADBEEFu
#define TOKEN_ROM 0xDEADBEF0u

#define RCC_CR                0x40021000u
#define RCC_CFGR              0x40021008u
#define RCC_APB1ENR1          0x40021058u
#define RCC_APB1ENR1_RTCAPBEN (1u << 10)
#define RCC_APB1ENR1_WWDGEN   (1u << 11)
#define RCC_APB1ENR1_USBFSEN  (1u << 26)
#define RCC_APB1ENR1_PWREN    (1u << 28)
#define RCC_APB2ENR           0x40021060u
#define RCC_APB2ENR_SYSCFGEN  (1u << 0)
#define RCC_CR_PLLON          (1u << 24)
#define PWR_CR1               0x40007000u
#define PWR_CR1_DBP           (1u << 8)
#define PWR_CR1_VOS           (3u << 9)
#define PWR_CR1_VOS_RANGE_2   (2u << 9)
#define PWR_SCR               0x40007018u
#define PWR_SCR_CSBF          (1u << 8)
#define RTC_BKPR              0x40002850u
#define WWDG_CR               0x40002C00u
#define WWDG_CR_WDGA          (1u << 7)
#define IWDG_KR               0x40003000u
#define USB_BCDR              0x40006858u
#define USB_BCDR_DPPU         (1u << 15)
#define SYSCFG_MEMRMP         0x40010000u
#define FLASH_KEYR            0x40022008u
#define FLASH_SR              0x40022010u
#define FLASH_SR_BSY          (1u << 16)
#define FLASH_SR_ERRORS       0xC3FAu /* all that the register has */
#define FLASH_CR              0x40022014u
#define FLASH_CR_PG           (1u << 0)
#define FLASH_CR_LOCK         (1u << 31)
#define SCB_VTOR              0xE000ED08u
#define SCB_AIRCR             0xE000ED0Cu
#define SCB_CFSR              0xE000ED28u
#define SCB_HFSR              0xE000ED2Cu
#define SCB_MMFAR             0xE000ED34u
#define SCB_BFAR              0xE000ED38u
#define SCB_CPACR             0xE000ED88u
#define DHCSR                 0xE000EDF0u

#define MAILBOX ((struct sureboot_mailbox *)sureboot_mailbox)
_Static_assert(sizeof(struct sureboot_mailbox) <= SUREBOOT_MAILBOX_SIZE - 128,
               "the rest is the stack of the fault handler");

static inline void barrier(void)
{
    __asm volatile("dsb\n isb" ::: "memory");
}

/* ---- the token --------------------------------------------------------------------------- */

/* The backup registers need the RTC's bus clock (RM0394 "RCC_APB1ENR1"), writing them PWR_CR1.DBP. Returns
 * what was enabled before. */
static uint32_t open_backup(void)
{
    uint32_t enabled = REG(RCC_APB1ENR1);
    REG(RCC_APB1ENR1) = enabled | RCC_APB1ENR1_PWREN | RCC_APB1ENR1_RTCAPBEN;
    (void)REG(RCC_APB1ENR1); /* two cycles until a clock enable counts */
    return enabled;
}

static void set_token(uint32_t token)
{
    uint32_t enabled = open_backup();
    uint32_t cr1 = REG(PWR_CR1);
    REG(PWR_CR1) = cr1 | PWR_CR1_DBP;
    /* DBP reaches the backup domain late, and a write before is lost: write until it is there. */
    for (unsigned i = 0; i < 1000 && REG(RTC_BKPR + 4 * SUREBOOT_BKP) != token; i++)
        REG(RTC_BKPR + 4 * SUREBOOT_BKP) = token;
    REG(PWR_CR1) = cr1;
    REG(RCC_APB1ENR1) = enabled;
}

/* ---- into a bootloader ------------------------------------------------------------------- */

/* A wake-up from Standby leaves PWR_SR1.SBF, which only PWR_SCR.CSBF or a loss of power clears (RM0440
 * "PWR_SR1", the same register), and what the bootloader finds with that flag is a wake-up: it checks no
 * content and counts no start. This reset is none. */
static void forget_standby(void)
{
    REG(RCC_APB1ENR1) |= RCC_APB1ENR1_PWREN;
    (void)REG(RCC_APB1ENR1);
    REG(PWR_SCR) = PWR_SCR_CSBF;
    (void)REG(PWR_SCR); /* the write is over */
}

__attribute__((noreturn)) static void reset(void)
{
    uint32_t control, ipsr;
    forget_standby();
    __asm volatile("mrs %0, control\n mrs %1, ipsr" : "=r"(control), "=r"(ipsr));
    barrier();
    if (ipsr == 0 && (control & 1)) {
        /* AIRCR is not for unprivileged code, but the window watchdog resets at once if it is activated with
         * T6 clear (RM0394 "WWDG": software reset). */
        REG(RCC_APB1ENR1) |= RCC_APB1ENR1_WWDGEN;
        (void)REG(RCC_APB1ENR1);
        REG(WWDG_CR) = WWDG_CR_WDGA;
    } else {
        REG(SCB_AIRCR) = 0x05FA0004u; /* SYSRESETREQ */
    }
    barrier();
    for (;;)
        ;
}

/* At least so many milliseconds at the highest core clock, more at a lower one: the time is not critical,
 * and whoever feeds the watchdog may be waiting for us. */
static void wait_ms(unsigned ms)
{
    for (; ms > 0; ms--) {
        unsigned turns = MAX_HZ / 1000 / 3; /* three cycles each, or more */
        REG(IWDG_KR) = 0xAAAAu;
        __asm volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(turns)::"cc");
    }
}

__attribute__((noreturn)) static void enter(uint32_t token)
{
    set_token(token); /* first: whatever resets us from here on, we get there */
    if ((REG(RCC_APB1ENR1) & RCC_APB1ENR1_USBFSEN) && (REG(USB_BCDR) & USB_BCDR_DPPU)) {
        REG(USB_BCDR) = 0;
        wait_ms(OFF_BUS_MS);
        set_token(token); /* an interrupt may have tidied up */
    }
    reset();
}

void sureboot_enter_dfu(void)
{
    enter(TOKEN_DFU);
}

void sureboot_enter_rom(void)
{
    enter(TOKEN_ROM);
}

static volatile uint32_t left, pending; /* milliseconds, token; 0: nothing is due */
static volatile bool ticking;

static void enter_in(uint32_t token, uint32_t ms)
{
    if (!ticking || ms == 0)
        enter(token);
    left = ms;
    pending = token;
}

void sureboot_enter_dfu_in(uint32_t ms)
{
    enter_in(TOKEN_DFU, ms);
}

void sureboot_enter_rom_in(uint32_t ms)
{
    enter_in(TOKEN_ROM, ms);
}

static volatile uint32_t ticks; /* written by sureboot_tick() alone, which what reads it may interrupt */

void sureboot_tick(void)
{
    ticking = true;
    ticks++;
    if (pending && --left == 0)
        enter(pending);
}

/* ---- start ------------------------------------------------------------------------------- */

/* AN2606 wants a chip as after reset. Of what ran since, SystemInit() and start-up code, that is the FPU. */
__attribute__((noreturn)) static void jump_to_rom(void)
{
    const uint32_t *rom = (const uint32_t *)SYSTEM_ADDR;
    REG(RCC_APB2ENR) |= RCC_APB2ENR_SYSCFGEN;
    (void)REG(RCC_APB2ENR);
    REG(SYSCFG_MEMRMP) = 1; /* system memory at 0 */
    REG(RCC_APB2ENR) &= ~RCC_APB2ENR_SYSCFGEN;
    REG(SCB_CPACR) = 0;
    REG(SCB_VTOR) = 0;
    uint32_t sp = rom[0], start = rom[1], zero = 0;
    __asm volatile("msr control, %2\n" /* MSP, no floating-point context */
                   "dsb\n isb\n"
                   "msr msp, %0\n"
                   "bx %1" ::"r"(sp),
                   "r"(start), "r"(zero)
                   : "memory");
    __builtin_unreachable();
}

void sureboot_early(void)
{
    REG(SCB_VTOR) = (uint32_t)(uintptr_t)sureboot_vectors;
    barrier();
    if ((uintptr_t)sureboot_vectors != ALONE_ADDR)
        return;
    uint32_t enabled = open_backup();
    uint32_t token = REG(RTC_BKPR + 4 * SUREBOOT_BKP);
    REG(RCC_APB1ENR1) = enabled;
    if (token != TOKEN_ROM && token != TOKEN_DFU)
        return;
    set_token(0);
    if (REG(RCC_CFGR) == 0 && !(REG(RCC_CR) & RCC_CR_PLLON))
        jump_to_rom();
}

#if SUREBOOT_CONSTRUCTOR
__attribute__((constructor, used)) static void early(void)
{
    sureboot_early();
}
#endif

/* ---- the mailbox ------------------------------------------------------------------------- */

static uint32_t crc32(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = 0xFFFFFFFFu;
    for (; size > 0; size--) {
        crc ^= *at++;
        for (unsigned i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static bool mailbox_valid(void)
{
    return MAILBOX->magic == SUREBOOT_MAILBOX_MAGIC &&
           MAILBOX->check == crc32(MAILBOX, offsetof(struct sureboot_mailbox, check));
}

static void mailbox_close(void)
{
    MAILBOX->check = crc32(MAILBOX, offsetof(struct sureboot_mailbox, check));
}

const struct sureboot_mailbox *sureboot_report(void)
{
    return mailbox_valid() ? MAILBOX : NULL;
}

void sureboot_crash_clear(void)
{
    if (mailbox_valid()) {
        MAILBOX->crash = (struct sureboot_crash){0, 0, 0, 0, 0, 0};
        mailbox_close();
    }
}

/* ---- confirmation ------------------------------------------------------------------------ */

/* Programs a double word of the ledger. Masks interrupts, whose code in flash would have to wait as well. */
static bool program(uint32_t addr, uint32_t low, uint32_t high)
{
    uint32_t primask, errors = FLASH_SR_BSY;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(primask)::"memory");
    if ((REG(FLASH_CR) & FLASH_CR_LOCK) && !(REG(FLASH_SR) & FLASH_SR_BSY)) {
        REG(FLASH_KEYR) = 0x45670123u;
        REG(FLASH_KEYR) = 0xCDEF89ABu;
        REG(FLASH_SR) = FLASH_SR_ERRORS; /* an old error flag makes a new operation fail */
        REG(FLASH_CR) = FLASH_CR_PG;
        REG(addr) = low;
        __asm volatile("isb" ::: "memory"); /* the two words have to arrive one by one */
        REG(addr + 4) = high;
        for (unsigned i = 0; i < MAX_HZ / 1000 && (REG(FLASH_SR) & FLASH_SR_BSY); i++)
            ; /* 91 us at most */
        errors = REG(FLASH_SR) & (FLASH_SR_ERRORS | FLASH_SR_BSY);
        REG(FLASH_SR) = errors & FLASH_SR_ERRORS;
        REG(FLASH_CR) = FLASH_CR_LOCK;
    }
    __asm volatile("msr primask, %0" ::"r"(primask) : "memory");
    return errors == 0;
}

/* Flash is not to be programmed in voltage range 2 (RM0394 "FLASH program and erase operations"), into which
 * only a program gets that has PWR's clock on. */
static bool in_range_2(void)
{
    return (REG(RCC_APB1ENR1) & RCC_APB1ENR1_PWREN) && (REG(PWR_CR1) & PWR_CR1_VOS) == PWR_CR1_VOS_RANGE_2;
}

/* The bootloader has prepared the record and chosen its place, so nothing here has to know the ledger, or
 * read words that a power cut has made unreadable. Power may fail anywhere: a record that is not whole
 * is none, and the next start counts one more. A place that looked blank and was not, after a cut while
 * its page was erased, is filled with zeros (which always works) and the next one tried. */
bool sureboot_confirm(void)
{
    enum { RECORD = sizeof MAILBOX->confirm };
    if (!mailbox_valid())
        return true;
    if (MAILBOX->confirm_at == 0) /* there may be no place left, after many power cuts */
        return MAILBOX->starts == 0;
    if (MAILBOX->confirm_at % 8 || MAILBOX->confirm_at - LEDGER_ADDR > LEDGER_SIZE - RECORD || in_range_2())
        return false;
    const uint32_t *words = MAILBOX->confirm;
    uint32_t page_end = (MAILBOX->confirm_at | (PAGE_SIZE - 1)) + 1;
    for (uint32_t at = MAILBOX->confirm_at; at + RECORD <= page_end; at += RECORD) {
        if (!(REG(FLASH_CR) & FLASH_CR_LOCK) || (REG(FLASH_SR) & FLASH_SR_BSY))
            return false; /* somebody else is at it */
        if (program(at, words[0], words[1]) && program(at + 8, words[2], words[3]) &&
            program(at + 16, words[4], words[5])) {
            bool same = true;
            for (unsigned i = 0; i < RECORD / 4; i++)
                same = same && REG(at + 4 * i) == words[i];
            if (same) {
                MAILBOX->starts = 0;
                MAILBOX->confirm_at = 0;
                mailbox_close();
            }
            return same;
        }
        if (!program(at, 0, 0))
            return false;
    }
    return false;
}

/* ---- crashes ----------------------------------------------------------------------------- */

static bool in_ram(uint32_t addr)
{
    return addr % 4 == 0 && ((addr >= 0x20000000u && addr <= 0x20010000u - 32) ||
                             (addr >= 0x10000000u && addr <= 0x10004000u - 32));
}

/* Bits of CFSR which say that there is no good frame: MLSPERR, MSTKERR, LSPERR, STKERR. */
#define NO_FRAME 0x3030u

__attribute__((noreturn, used)) void sureboot_record(uint32_t frame, uint32_t kind);
void sureboot_record(uint32_t frame, uint32_t kind) /* not static: link-time optimisation must find it */
{
    struct sureboot_mailbox *m = MAILBOX;
    struct sureboot_crash crash = {kind & 0x1FF, 0, 0, REG(SCB_CFSR), REG(SCB_HFSR), 0};
    if (in_ram(frame) && !(crash.cfsr & NO_FRAME)) {
        crash.lr = REG(frame + 20);
        crash.pc = REG(frame + 24);
    }
    if (crash.cfsr & 1u << 15) /* BFARVALID */
        crash.address = REG(SCB_BFAR);
    else if (crash.cfsr & 1u << 7) /* MMARVALID */
        crash.address = REG(SCB_MMFAR);
    if (!mailbox_valid()) {
        m->magic = SUREBOOT_MAILBOX_MAGIC;
        m->cause = m->verdict = m->flags = m->starts = m->confirm_at = 0;
    }
    m->crash = crash;
    mailbox_close();
    if (REG(DHCSR) & 1) /* C_DEBUGEN: somebody wants to see it */
        __asm volatile("bkpt #0");
    reset();
}

/* EXC_RETURN bit 2 tells on which stack the frame is (ARMv7-M ARM B1.5.8). */
__attribute__((naked)) void sureboot_fault(void)
{
    __asm volatile("tst lr, #4\n"
                   "ite eq\n"
                   "mrseq r0, msp\n"
                   "mrsne r0, psp\n"
                   "mrs r1, ipsr\n"
                   "ldr r2, =sureboot_mailbox + 256\n"
                   "mov sp, r2\n"
                   "b sureboot_record\n"
                   ".ltorg");
}

/* ---- USB --------------------------------------------------------------------------------- */

bool sureboot_cdc_received(const void *packet, size_t size, size_t max_packet)
{
    static const char word[] = SUREBOOT_CDC_WORD;
    static bool full; /* the last packet was, so this one may belong to the same transfer */
    static uint32_t last;
    const char *at = packet;
    bool same = size == sizeof word - 1 && !(full && ticks - last < NEW_TRANSFER_MS);
    for (size_t i = 0; same && i < size; i++)
        same = at[i] == word[i];
    full = size >= max_packet;
    last = ticks;
    if (same)
        sureboot_enter_dfu_in(SUREBOOT_GRACE_MS);
    return same;
}

bool sureboot_cdc_line(uint32_t bits_per_second, bool dtr)
{
    static bool open;
    bool touched = open && !dtr && bits_per_second == 1200;
    open = dtr;
    if (touched)
        sureboot_enter_dfu_in(SUREBOOT_GRACE_MS);
    return touched;
}

int sureboot_dfu_request(const uint8_t setup[8], const uint8_t **reply)
{
    enum { DETACH = 0, GETSTATUS = 3, GETSTATE = 5 };
    static const uint8_t ok_app_idle[6] = {0}, ok_app_detach[6] = {0, 0, 0, 0, 1, 0}; /* DFU 1.1, 6.1.2 */
    const uint8_t *status = pending ? ok_app_detach : ok_app_idle;

    if (setup[0] == 0x21 && setup[1] == DETACH) {
        /* Without a tick the acknowledgement gets lost in the reset; hosts bear that. */
        sureboot_enter_dfu_in(SUREBOOT_GRACE_MS);
        return 0;
    }
    if (setup[0] == 0xA1 && setup[1] == GETSTATUS) {
        *reply = status;
        return 6;
    }
    if (setup[0] == 0xA1 && setup[1] == GETSTATE) {
        *reply = status + 4;
        return 1;
    }
    return SUREBOOT_DFU_STALL;
}
