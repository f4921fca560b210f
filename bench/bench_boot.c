/* What the bootloader costs: its size, the time from reset to the application's first instruction or
 * to the pull-up, and the time of a download, all in virtual time on the real binary. Beside it stand
 * the figures of other bootloaders for the same chip or class, as published or measured by others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/dfuhost.h"
#include "vboard.h"

#define BOOT       "build/firmware/boot.elf"
#define SLOT       0x08004000U
#define PAGE       2048U
#define PAGES      100U
#define IMAGE_SIZE (PAGES * PAGE)
/* DS11449 "Flash memory characteristics", typical: erasing and programming one page. */
#define FLOOR_S (PAGES * (22.02e-3 + 20.91e-3))

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_boot: %s: %s\n", what, why);
    exit(1);
}

struct watch {
    bool handoff, attached;
    uint64_t t;
};

static void on_event(void *arg, const struct vboard_event *e)
{
    struct watch *w = arg;
    if (e->kind == VE_HANDOFF && !w->handoff) {
        w->handoff = true;
        w->t = e->t;
    } else if (e->kind == VE_USB && !strcmp(e->name, "attached") && !w->attached && !w->handoff) {
        w->attached = true;
        w->t = e->t;
    }
}

static bool decided(void *arg)
{
    const struct watch *w = arg;
    return w->handoff || w->attached;
}

static struct vboard *board(void)
{
    const struct vboard_config config = {.seed = 1};
    struct vboard *b = vboard_create(&config);
    if (!b)
        fail("board", "out of memory");
    if (!vboard_load_file(b, BOOT, VBOARD_NO_ADDR))
        fail(BOOT, vboard_error(b));
    return b;
}

/* An image of that size that runs: a vector table, a few instructions, then noise. */
static void make_image(uint8_t *image, uint32_t variant)
{
    uint32_t x = 0x12345678U ^ variant;
    for (uint32_t i = 0; i < IMAGE_SIZE; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        image[i] = (uint8_t)x;
    }
    const uint32_t sp = 0x20010000U, reset = SLOT + 0x200U + 1U, reserved = 0;
    memcpy(image, &sp, 4);
    for (uint32_t v = 1; v < 128; v++)
        memcpy(image + 4 * v, v > 6 && v < 11 ? &reserved : &reset, 4);
    /* Leaves the token 0xDEADBEEF in BKP5R (RCC_APB1ENR1 PWREN and RTCAPBEN, PWR_CR1.DBP first) and
     * waits for the reset button. */
    static const uint8_t code[] = {0x05, 0x48, 0x06, 0x49, 0x01, 0x60, 0x01, 0x68, 0x05, 0x48, 0x4F,
                                   0xF4, 0x40, 0x71, 0x01, 0x60, 0x04, 0x48, 0x05, 0x49, 0x01, 0x60,
                                   0xFE, 0xE7, 0x58, 0x10, 0x02, 0x40, 0x00, 0x04, 0x00, 0x10, 0x00,
                                   0x70, 0x00, 0x40, 0x64, 0x28, 0x00, 0x40, 0xEF, 0xBE, 0xAD, 0xDE};
    memcpy(image + 0x200, code, sizeof code);
}

/* From power-on to the first instruction of the application, or to the pull-up if there is none. */
static void boot_row(struct vboard *b, const char *what)
{
    struct watch w = {0};
    vboard_on_event(b, on_event, &w);
    vboard_power(b, true, false);
    uint64_t cycles = vboard_cycles(b), from = vboard_now(b);
    enum vboard_stop s = vboard_run(b, 1000000000, decided, &w);
    if (s != VB_CONDITION)
        fail(what, "neither started nor attached within a second");
    printf("  %-44s %-12s %9.3f ms %9" PRIu64 " cycles\n", what, w.handoff ? "application" : "pull-up",
           (double)(w.t - from) / 1e6, vboard_cycles(b) - cycles);
    vboard_on_event(b, NULL, NULL);
}

static void download_row(struct usbhost *h, const char *what, const uint8_t *image)
{
    const struct dfu_element e = {SLOT, image, IMAGE_SIZE};
    const struct dfu_job job = {.elements = &e, .element_count = 1, .leave = true, .limit_ns = 120000000000};
    struct dfu_result r;
    dfu_run(h, &job, &r);
    if (!r.ok)
        fail(what, r.error);
    printf("  %-44s %9.3f s %8.3f x floor %7u transfers\n", what, r.seconds, r.seconds / FLOOR_S,
           r.transfers);
}

/* The image runs and has left its token: the reset button leads to DFU. */
static void back_to_dfu(struct vboard *b, struct usbhost *h)
{
    vboard_run(b, 100000000, NULL, NULL);
    vboard_nrst(b, 20000);
    if (!usbhost_wait_attached(h, 2000000000))
        fail("token", "no DFU device after a reset with the token");
}

static void print_size(void)
{
    FILE *f = popen("arm-none-eabi-size " BOOT, "r");
    char line[256];
    unsigned text, data, bss;
    if (!f || !fgets(line, sizeof line, f) || fscanf(f, "%u %u %u", &text, &data, &bss) != 3)
        fail("arm-none-eabi-size", "no figures");
    if (pclose(f))
        fail("arm-none-eabi-size", "failed");
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
    printf("Size\n  %-44s %u bytes (text %u, data %u), RAM bss %u\n", "sureboot: text + data", text + data,
           text, data, bss);
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        printf("  %-44s %s\n", peers[i].name, peers[i].rom);
}

int main(void)
{
    static uint8_t image[IMAGE_SIZE], changed[IMAGE_SIZE], other[IMAGE_SIZE];
    make_image(image, 0);
    make_image(other, 1);
    memcpy(changed, image, sizeof image);
    changed[50 * PAGE + 100] ^= 0x10;
    print_size();

    printf("Reset to the first instruction of the application, or to the pull-up\n");
    struct vboard *b = board();
    boot_row(b, "blank slot, power-on");
    vboard_power(b, false, false);
    if (!vboard_load_bytes(b, SLOT, image, sizeof image))
        fail("image", vboard_error(b));
    boot_row(b, "200 KB put there by a debugger, power-on");
    vboard_destroy(b);

    printf(
        "Download of 200 KB by dfu-util's requests (flash floor %.2f s; host: 10 transactions of 64 bytes a\n"
        "1 ms frame, a transfer starts in the frame in which the last one ended)\n",
        FLOOR_S);
    b = board();
    struct usbhost *h = usbhost_create(b, &(struct usbhost_config){.enumerate = true});
    if (!h)
        fail("USB host", "out of memory");
    vboard_power(b, true, false);
    download_row(h, "onto blank flash", other);
    back_to_dfu(b, h);
    download_row(h, "onto used flash", image);
    back_to_dfu(b, h);
    download_row(h, "the same image again", image);
    back_to_dfu(b, h);
    download_row(h, "one page changed", changed);
    vboard_power(b, false, false); /* takes the token with it */
    boot_row(b, "200 KB downloaded, power-on");
    usbhost_destroy(h);
    vboard_destroy(b);
    static const struct {
        const char *name, *time;
    } peers[] = {
        {"tinyuf2", "~5 s"},     {"sboot_stm32 on L433, with CRC", "6.5-9 s"},
        {"dapboot", "~21 s"},    {"ST CubeL4 DFU example on L433", "~27 s"},
        {"davidgfnet", "~52 s"},
    };
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        printf("  %-44s %s\n", peers[i].name, peers[i].time);
    return 0;
}
