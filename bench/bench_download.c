/* How long a download takes, in virtual time on the real binary: 200 KB by the requests that dfu-util
 * sends, in both dialects, beside the time that flash alone needs and the figures of other bootloaders. */
#include "host/dfuhost.h"
#include "image.h"

/* DS11449 "Flash memory characteristics", typical: erasing and programming one page. */
#define FLOOR_S (PAGES * (22.02e-3 + 20.91e-3))

/* `stay`: so long the device stays after the last request, by design; the ratio leaves it out. */
static void row(struct usbhost *h, const char *what, const uint8_t *image, double stay)
{
    const struct dfu_element e = {SLOT, image, IMAGE_SIZE};
    const struct dfu_job job = {.elements = &e, .element_count = 1, .leave = true, .limit_ns = 120000000000};
    struct dfu_result r;
    dfu_run(h, &job, &r);
    if (!r.ok)
        fail(what, r.error);
    printf("  %-40s %7.3f s %7.3f x floor %6u transfers\n", what, r.seconds, (r.seconds - stay) / FLOOR_S,
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

static void rows(const char *dialect, const char *firmware, double stay)
{
    static uint8_t image[IMAGE_SIZE], changed[IMAGE_SIZE], other[IMAGE_SIZE];
    make_image(image, 0);
    make_image(other, 1);
    memcpy(changed, image, sizeof image);
    changed[50 * PAGE + 100] ^= 0x10;

    printf("%s\n", dialect);
    struct vboard *b = board(firmware);
    struct usbhost *h = usbhost_create(b, &(struct usbhost_config){.enumerate = true});
    if (!h)
        fail("USB host", "out of memory");
    vboard_power(b, true, false);
    row(h, "onto blank flash", other, stay);
    back_to_dfu(b, h);
    row(h, "onto used flash (bound 1.05 x floor)", image, stay);
    back_to_dfu(b, h);
    row(h, "the same image again (bound 0.8 s)", image, stay);
    back_to_dfu(b, h);
    row(h, "one page changed (bound 0.85 s)", changed, stay);
    usbhost_destroy(h);
    vboard_destroy(b);
}

int main(void)
{
    static const struct {
        const char *name, *time;
    } peers[] = {
        {"tinyuf2", "~5 s"},     {"sboot_stm32 on L433, with CRC", "6.5-9 s"},
        {"dapboot", "~21 s"},    {"ST CubeL4 DFU example on L433", "~27 s"},
        {"davidgfnet", "~52 s"},
    };
    printf(
        "Download of 200 KB by dfu-util's requests. Flash floor %.2f s (erase 22.02 ms + program 20.91 ms a\n"
        "page). Host: at most 10 transactions of 64 bytes a 1 ms frame, a transfer starts in the frame in\n"
        "which the last one ended\n",
        FLOOR_S);
    rows(" DfuSe (boot)", "build/firmware/boot.elf", 0);
    rows(" DFU 1.1 (boot-dfu11); it stays 0.5 s after the end, which the ratios leave out",
         "build/firmware/boot-dfu11.elf", 0.5);
    printf(" others, onto used flash\n");
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        printf("  %-40s %s\n", peers[i].name, peers[i].time);
    return 0;
}
