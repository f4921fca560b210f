/* What the bootloader costs: its size, and the time from reset to the application's first instruction
 * or to the pull-up, in virtual time on the real binary. Beside it stand the figures of other
 * bootloaders for the same chip or class, as published or measured by others. */
#include <inttypes.h>

#include "board/crc32.h"
#include "image.h"

#define BOOT   "build/firmware/boot.elf"
#define LEDGER 0x0803F000U

/* Sleeps on command; here it is the beginning of a larger image. */
#define APPLICATION "build/test/fw/probe"
enum { STANDBY = 7, SHUTDOWN = 8 };

static uint8_t image[IMAGE_SIZE];

/* Output of a tool, line by line, to `line`. */
static void each_line(const char *command, void (*line)(const char *text))
{
    FILE *f = popen(command, "r");
    char text[512];
    if (!f)
        fail(command, "cannot be run");
    while (fgets(text, sizeof text, f))
        line(text);
    if (pclose(f))
        fail(command, "failed");
}

static struct {
    unsigned boot_path, packed, world, bss, sentences, kinds;
} size;

static void section(const char *line)
{
    char name[64];
    unsigned n;
    if (sscanf(line, "%63s %u", name, &n) != 2)
        return;
    if (!strcmp(name, ".vectors") || !strcmp(name, ".entry") || !strcmp(name, ".text") ||
        !strcmp(name, ".enter"))
        size.boot_path += n;
    else if (!strcmp(name, ".packed"))
        size.packed = n;
    else if (!strcmp(name, ".world"))
        size.world = n;
    else if (!strcmp(name, ".bss"))
        size.bss = n;
}

static void symbol(const char *line)
{
    char name[64];
    unsigned n;
    if (sscanf(line, "%*x %x %*c %63s", &n, name) != 2)
        return;
    if (!strcmp(name, "sentences"))
        size.sentences = n;
    else if (!strcmp(name, "kinds"))
        size.kinds = n;
}

static void stack(const char *line)
{
    const char *said = strstr(line, ": ");
    if (said && strstr(line, "- boot:"))
        printf("  %s", said + 2);
    if (!strncmp(line, "not ok", 6))
        fail("stack", line);
}

static void print_size(void)
{
    each_line("arm-none-eabi-size -A " BOOT, section);
    each_line("arm-none-eabi-nm -S " BOOT, symbol);
    if (!size.boot_path || !size.packed || !size.world || !size.sentences || !size.kinds)
        fail(BOOT, "lacks a section or the message table");
    static const struct {
        const char *name, *rom;
    } peers[] = {
        {"sboot_stm32 on L433, with CRC", "3.4 KB"},
        {"davidgfnet", "3.6-4.0 KB"},
        {"dapboot (WebUSB, WinUSB)", "7.8 KB"},
        {"ST CubeL4 DFU example on L433", "16.8 KB"},
        {"tinyuf2", "16.7 KB"},
        {"MCUboot, P-256, no USB", "20-23 KB"},
        {"wolfBoot, ECC256, no USB", "14-19 KB"},
    };
    printf("Size\n");
    const struct {
        const char *name;
        unsigned bytes;
    } own[] = {
        {"sureboot: text + data", size.boot_path + size.packed},
        {"  vectors, boot path, what both worlds run", size.boot_path},
        {"  the rest of the DFU world, packed", size.packed},
        {"    the same unpacked", size.world},
        {"      of which message table", size.sentences + size.kinds},
        {"RAM in DFU: code and constants", size.boot_path + size.world},
        {"RAM in DFU: variables and buffers", size.bss},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        printf("  %-44s %5u bytes\n", own[i].name, own[i].bytes);
    each_line("test/lint/stack.sh", stack);
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        printf("  %-44s %s\n", peers[i].name, peers[i].rom);
}

/* ---- from reset to the decision ---------------------------------------------------------- */

struct watch {
    bool reset, handoff, attached;
    uint64_t from, to;
};

static void on_event(void *arg, const struct vboard_event *e)
{
    struct watch *w = arg;
    if (e->kind == VE_RESET) {
        w->reset = true;
        w->from = e->t;
    } else if (w->reset && !w->handoff && !w->attached) {
        w->handoff = e->kind == VE_HANDOFF;
        w->attached = e->kind == VE_USB && strcmp(e->name, "attached") == 0;
        w->to = e->t;
    }
}

static bool decided(void *arg)
{
    const struct watch *w = arg;
    return w->handoff || w->attached;
}

/* From the next reset to the first instruction of the application, or to the pull-up. `bound`: what it
 * may take, ms. Returns when that is, ns. */
static uint64_t row(struct vboard *b, const char *what, double bound)
{
    struct watch w = {0};
    vboard_on_event(b, on_event, &w);
    if (!vboard_powered(b))
        vboard_power(b, true, false);
    if (vboard_run(b, 3000000000, decided, &w) != VB_CONDITION)
        fail(what, "neither started nor attached within 3 s");
    printf("  %-52s %-12s %7.3f ms (bound %g)\n", what, w.handoff ? "application" : "pull-up",
           (double)(w.to - w.from) / 1e6, bound);
    vboard_on_event(b, NULL, NULL);
    return w.to;
}

/* Until the rest is unpacked, and the main loop has switched LD4 on. A host waits 100 ms (USB 2.0 7.1.7.3).
 */
static void at_work_row(struct vboard *b, uint64_t attached)
{
    struct vboard_event led;
    if (vboard_run_event(b, 1000000000, VE_GPIO, "PB13", &led) != VB_EVENT)
        fail(BOOT, "does not switch its LED on");
    printf("  %-52s %-12s %7.3f ms (bound 100)\n", "and from the pull-up", "DFU at work",
           (double)(led.t - attached) / 1e6);
}

/* Fills the ledger's pages with records (docs/ledger.md): as many as fit, the newest of that type. */
static void fill_ledger(struct vboard *b, unsigned type, unsigned torn)
{
    struct {
        uint16_t magic;
        uint8_t type, starts;
        uint32_t sequence, length, crc, version, check;
    } r = {.magic = 0x5B1E, .length = IMAGE_SIZE, .crc = ~crc32_more(CRC32_START, image, IMAGE_SIZE)};
    for (unsigned n = 0; n < 2 * 85 - torn; n++) {
        r.type = (uint8_t)(n == 2 * 85 - torn - 1 ? type : 2);
        r.sequence = n + 1;
        r.check = ~crc32_more(CRC32_START, (const uint8_t *)&r, 20);
        if (!vboard_load_bytes(b, LEDGER + n / 85 * PAGE + n % 85 * 24, &r, 24))
            fail("ledger", vboard_error(b));
    }
    for (unsigned n = 2 * 85 - torn; n < 2 * 85; n++) /* places given up */
        if (!vboard_load_bytes(b, LEDGER + n / 85 * PAGE + n % 85 * 24, &(uint64_t){0}, 8))
            fail("ledger", vboard_error(b));
}

static struct vboard *with_image(void)
{
    struct vboard *b = board(BOOT);
    if (!vboard_load_bytes(b, SLOT, image, sizeof image))
        fail("image", vboard_error(b));
    return b;
}

/* Address of a variable of the application. */
static uint32_t address_of(const char *name)
{
    char line[128], symbol[96];
    FILE *nm = popen("arm-none-eabi-nm " APPLICATION ".elf", "r");
    uint32_t found = 0;
    unsigned addr;
    char kind;
    if (!nm)
        fail("arm-none-eabi-nm", "cannot be run");
    while (fgets(line, sizeof line, nm))
        if (sscanf(line, "%x %c %95s", &addr, &kind, symbol) == 3 && strcmp(symbol, name) == 0)
            found = addr;
    if (pclose(nm) || !found)
        fail(name, "no such variable in " APPLICATION ".elf");
    return found;
}

/* The application sleeps and is woken by the RTC (test/board/fw/probe). */
static void wake_row(struct vboard *b, const char *what, uint32_t command)
{
    vboard_run(b, 5000000, NULL, NULL);
    if (!vboard_poke(b, address_of("command"), &command, sizeof command))
        fail(what, vboard_error(b));
    row(b, what, 1);
}

int main(void)
{
    print_size();
    make_image(image, 0);
    FILE *f = fopen(APPLICATION ".bin", "rb");
    if (!f || fread(image, 1, sizeof image, f) < 64 || ferror(f) || fclose(f))
        fail(APPLICATION ".bin", "cannot be read");

    printf("From reset to the first instruction of the application, or to the pull-up\n");
    struct vboard *b = board(BOOT);
    at_work_row(b, row(b, "power-on, blank slot", 20));
    vboard_destroy(b);
    b = with_image();
    fill_ledger(b, 1, 0);
    row(b, "power-on, download unfinished, full ledger", 20);
    vboard_destroy(b);
    b = with_image();
    row(b, "power-on, 200 KB put there by a debugger", 1);
    vboard_destroy(b);
    b = with_image();
    fill_ledger(b, 2, 0);
    row(b, "power-on, 200 KB sealed, worst ledger", 8);
    wake_row(b, "wake from Standby, the same", STANDBY);
    wake_row(b, "wake from Shutdown, the same", SHUTDOWN);
    vboard_destroy(b);
    return 0;
}
