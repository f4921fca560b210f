/* A report in words. */
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "board/crc32.h"
#include "board/symbols.h"
#include "boot/core/dfu.h"
#include "commands.h"
#include "port/port.h"

struct bit {
    uint32_t mask;
    const char *name;
};

static const struct bit causes[] = {{PORT_RESET_POWER, "power-on or brown-out"},
                                    {PORT_RESET_PIN, "the reset pin"},
                                    {PORT_RESET_SOFTWARE, "software"},
                                    {PORT_RESET_WATCHDOG, "IWDG"},
                                    {PORT_RESET_WINDOW_WATCHDOG, "WWDG"},
                                    {PORT_RESET_LOW_POWER, "a forbidden low-power mode"},
                                    {PORT_RESET_OPTIONS, "loading of the option bytes"},
                                    {PORT_RESET_FIREWALL, "the firewall"},
                                    {PORT_WAKE, "wake-up from Standby or Shutdown"},
                                    {DFU_REPORT_UNDONE, "somebody who jumped here"}};

/* CFSR and HFSR: ARMv7-M ARM B3.2.15 and B3.2.16. */
static const struct bit faults[] = {
    {1u << 0, "fetched where no code may be (IACCVIOL)"},
    {1u << 1, "the MPU forbids the access (DACCVIOL)"},
    {1u << 3, "the MPU forbids unstacking (MUNSTKERR)"},
    {1u << 4, "the MPU forbids stacking: stack overflow? (MSTKERR)"},
    {1u << 5, "the MPU forbids stacking of the FPU (MLSPERR)"},
    {1u << 8, "fetched where nothing is (IBUSERR)"},
    {1u << 9, "there is nothing at that address (PRECISERR)"},
    {1u << 10, "a write went nowhere, some instructions before (IMPRECISERR)"},
    {1u << 11, "unstacking failed: stack pointer? (UNSTKERR)"},
    {1u << 12, "stacking failed: stack overflow? (STKERR)"},
    {1u << 13, "stacking of the FPU failed (LSPERR)"},
    {1u << 16, "undefined instruction (UNDEFINSTR)"},
    {1u << 17, "a pointer to code without bit 0 (INVSTATE)"},
    {1u << 18, "return with a wrong EXC_RETURN (INVPC)"},
    {1u << 19, "the FPU is off in CPACR (NOCP)"},
    {1u << 24, "unaligned access (UNALIGNED)"},
    {1u << 25, "division by zero (DIVBYZERO)"}};
enum { MMARVALID = 1 << 7, BFARVALID = 1 << 15, VECTTBL = 1 << 1 };

static void label(const char *name)
{
    printf("  %-13s ", name);
}

/* The names of the bits that are set. */
static void list(const struct bit *bits, size_t n, uint32_t word, const char *none)
{
    const char *comma = "";
    for (size_t i = 0; i < n; i++) {
        if (word & bits[i].mask) {
            printf("%s%s", comma, bits[i].name);
            comma = ", ";
        }
    }
    printf("%s\n", comma[0] ? "" : none);
}

void tell_cures(const char *sentence)
{
    enum finding_code code;
    const struct cure *cure;
    for (size_t k = 0; report_message(sentence, &code) && (cure = finding_cure(code, k)) != NULL; k++)
        printf("    %s, in %s:\n        %s\n", cure->toolchain, cure->file, cure->change);
}

/* ---- what is in the slot ----------------------------------------------------------------- */

static void print_record(const struct ledger_record *r)
{
    label("in the slot");
    switch (r->type) {
    case LEDGER_NONE: printf("nothing is recorded\n"); return;
    case LEDGER_BEGUN: printf("a download that was not completed\n"); return;
    default: break;
    }
    printf("%u bytes, CRC 0x%08X", r->length, r->crc);
    if (r->version)
        printf(", version %u.%u.%u", r->version >> 24, r->version >> 16 & 0xFF, r->version & 0xFFFF);
    if (r->type == LEDGER_START)
        printf(", started %u %s without being confirmed", r->starts, r->starts == 1 ? "time" : "times");
    else if (r->type == LEDGER_CONFIRMED)
        printf(", confirmed");
    printf("\n");
}

/* Whether it is what the record tells of. */
static bool is_recorded(const struct ledger_record *r, const uint8_t *slot, uint32_t size)
{
    return ledger_is_seal(r) && r->length == size && r->crc == ~crc32_more(CRC32_START, slot, size);
}

/* The file may have been packed before it was downloaded, or not. What has no record, or was changed after
 * it, cannot be compared. */
static void compare(const struct report *report, char *file)
{
    const struct ledger_record *r = &report->newest;
    enum finding_code code;
    bool changed =
        report_message(report->verdict, &code) && (code == FINDING_CHANGED || code == FINDING_UNREADABLE);
    struct sentence why;
    struct findings f;
    uint32_t size;
    uint8_t *slot = read_application(file, false, &size, &f, &why);
    label("");
    if (!slot) {
        printf("%s\n", why.text);
        return;
    }
    bool same = is_recorded(r, slot, size);
    fill_in_info(slot, size, &f);
    same = same || is_recorded(r, slot, size);
    if (!ledger_is_seal(r))
        printf("so it cannot be told whether it is %s\n", file);
    else
        printf("it %s %s%s\n", changed ? "was" : "is", same ? "" : "not ", file);
    free(slot);
}

/* ---- where it crashed -------------------------------------------------------------------- */

static void place(const struct symbols *symbols, const char *name, uint32_t address)
{
    struct symbol at;
    label(name);
    symbols_find(symbols, address, &at);
    printf("0x%08X", address);
    if (at.function[0])
        printf("  %s", at.function);
    if (at.line[0])
        printf("  (%s)", at.line);
    printf("\n");
}

/* From there on LR is no address (ARMv7-M ARM B1.5.8); after reset it is all ones (B1.5.5). */
#define EXC_RETURN  0xFFFFFFE0u
#define AFTER_RESET 0xFFFFFFFFu

static void places(const struct symbols *symbols, uint32_t pc, uint32_t lr)
{
    const char *at = "  at", *from = "  called from";
    if (pc == 0 && lr == 0) {
        label(at);
        printf("not known: there was no stack to look at\n");
        return;
    }
    place(symbols, at, pc); /* 0 is a null pointer that was called */
    if (lr < EXC_RETURN) {
        place(symbols, from, lr);
        return;
    }
    label(from);
    printf("%s\n", lr == AFTER_RESET ? "nowhere: LR is as after reset" : "an interrupt");
}

static void print_crash(const struct crash *c, const char *file)
{
    static const char *const kinds[] = {
        [2] = "NMI", [3] = "HardFault", [4] = "MemManage", [5] = "BusFault", [6] = "UsageFault"};
    struct symbols *symbols = NULL;
    label("crash");
    if (c->kind < sizeof kinds / sizeof *kinds && kinds[c->kind])
        printf("%s: ", kinds[c->kind]);
    else
        printf("exception %u: ", c->kind);
    list(faults, sizeof faults / sizeof *faults, c->cfsr,
         c->hfsr & VECTTBL ? "the vector could not be read (VECTTBL)" : "its cause is not recorded");
    label("  of");
    printf("this application, or one before it: the last since power-on\n");
    if (file && !symbols_add(&symbols, file))
        symbols = NULL; /* no ELF file: no names */
    places(symbols, c->pc, c->lr);
    if (c->cfsr & (MMARVALID | BFARVALID)) {
        label("  accessed");
        printf("0x%08X\n", c->address);
    }
    symbols_free(symbols);
}

void tell_report(const struct report *r, char *file)
{
    label("verdict");
    printf("%s\n", r->verdict);
    tell_cures(r->verdict);
    if (r->last[0]) {
        label("last download");
        printf("%s\n", r->last);
        tell_cures(r->last);
    }
    label("in DFU by");
    printf("%s\n", r->way);
    label("reset by"); /* since the flags were cleared */
    list(causes, sizeof causes / sizeof *causes, r->cause, "not known: the flags were cleared");
    if (r->unreadable) {
        label("unreadable");
        printf("the double word at 0x%08X\n", r->unreadable);
    }
    print_record(&r->newest);
    if (file)
        compare(r, file);
    if (r->has_crash && r->crash.kind)
        print_crash(&r->crash, file);
}
