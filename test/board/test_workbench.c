/* The workbench: every peripheral of the thread's project with its interrupt, each counter at its rate in
 * virtual time, after every kind of download and boot; and with VTOR set back as ST's start-up code does. */
#include "command.h"
#include "kitbench.h"

#define WORKBENCH     "build/firmware/workbench.elf"
#define WORKBENCH_BIN "build/firmware/workbench.bin"
#define VTOR_BACK     "build/firmware/workbench-vtorback.elf"

/* What has to come in a second, independent of what the firmware says of itself. */
static const struct {
    const char *name;
    double rate, tolerance;
} expected[] = {
    {"TIM1 update", 1000, 0.01},
    {"TIM1 compare", 2000, 0.01},
    {"TIM6", 1000, 0.01},
    {"TIM15", 500, 0.01},
    {"TIM16", 250, 0.02},
    {"LPTIM1", 10, 0.1},
    {"LPTIM2", 10, 0.1},
    {"ADC1", 1000, 0.01},
    {"ADC1 DMA", 100, 0.02},
    {"I2C2 event", 30, 0.1},
    {"I2C2 error", 0, 0},
    {"I2C2 DMA out", 20, 0.1},
    {"I2C2 DMA in", 10, 0.1},
    {"EEPROM good", 10, 0.1},
    {"EEPROM bad", 0, 0},
    {"SPI1", 1000, 0.01},
    {"SPI2", 1000, 0.01},
    {"SPI3", 1000, 0.01},
    {"SPI looped", 3000, 0.01},
    {"USART1 sent", 100, 0.02},
    {"USART1 received", 0, 0},
    {"USART2 sent", 10, 0.1},
    {"USART2 DMA", 10, 0.1},
    {"USART2 idle", 0, 0},
    {"RTC", 1, 0.3},
    {"FPU good", 750, 0.01},
    {"FPU bad", 0, 0},
    {"milliseconds", 1000, 0.001},
};
enum { ROWS = sizeof expected / sizeof *expected, CDC_IN = 0x81 };

struct table {
    uint32_t value[ROWS], confirmed;
    uint64_t t;
    double ms;
};

static void find(const char *text, const char *name, uint32_t *value)
{
    char key[20];
    (void)snprintf(key, sizeof key, "%-16s", name);
    const char *at = strstr(text, key);
    if (!at) {
        fail_msg("no row \"%s\" in: %s", name, text);
        return;
    }
    *value = (uint32_t)strtoul(at + 16, NULL, 10);
}

/* The next table that comes over the serial port. */
static struct table read_table(struct kit *k)
{
    static char text[8192];
    struct table table = {0};
    size_t have = 0;
    char *begin = NULL;
    uint64_t end = vboard_now(k->bench.board) + 5000 * MS;
    while (vboard_now(k->bench.board) < end) {
        uint32_t n = 0;
        int status = usbhost_bulk(k->bench.host, CDC_IN, text + have, 64, 1500 * MS, &n);
        if (status != UH_OK || have > sizeof text - 200)
            fail_msg("reading ends with %d after %zu bytes", status, have);
        have += n;
        text[have] = 0;
        begin = strstr(text, "milliseconds");
        if (begin && strstr(begin, "\r\n\r\n"))
            break;
    }
    if (!begin) {
        fail_msg("no table: %s", text);
        return table;
    }
    for (unsigned i = 0; i < ROWS; i++)
        find(begin, expected[i].name, &table.value[i]);
    find(begin, "confirmed", &table.confirmed);
    table.ms = table.value[ROWS - 1];
    table.t = vboard_now(k->bench.board);
    return table;
}

static struct kit *powered(const char *boot, const char *elf)
{
    struct kit *k = calloc(1, sizeof *k);
    const struct vboard_config config = {.seed = 11};
    assert_non_null(k);
    k->elf = elf;
    struct vboard *b = k->bench.board = vboard_create(&config);
    assert_non_null(b);
    vboard_on_event(b, kit_event, k);
    static const char *const spis[] = {"spi1", "spi2", "spi3"};
    for (unsigned i = 0; i < 3; i++)
        assert_true(vboard_option(b, spis[i], "loop"));
    const char *const files[] = {boot, elf};
    for (unsigned i = 0; i < 2; i++)
        if (files[i] && !vboard_load_file(b, files[i], VBOARD_NO_ADDR))
            fail_msg("%s", vboard_error(b));
    const struct usbhost_config usb = {.enumerate = true, .per_frame = 10};
    k->bench.host = usbhost_create(b, &usb);
    assert_non_null(k->bench.host);
    vboard_power(b, true, false);
    return k;
}

/* Opens the serial port, as an operating system does. */
static void open_port(struct kit *k)
{
    if (!usbhost_wait_attached(k->bench.host, 1000 * MS))
        fail_msg("the workbench is not on the bus");
    const uint8_t *d = usbhost_device_descriptor(k->bench.host);
    assert_int_equal(d[10] | d[11] << 8, 0x5740);
    assert_int_equal(usbhost_configure(k->bench.host, 1), UH_OK);
    assert_int_equal(usbhost_control(k->bench.host, 0x21, 0x22, 3, 0, NULL, 0, NULL), UH_OK); /* DTR, RTS */
}

/* Two tables, some seconds apart: every counter has gone on at its rate. */
static void expect_rates(struct kit *k, const char *when, unsigned seconds)
{
    struct table a = read_table(k);
    /* LSE takes a while: the RTC starts late, once. */
    for (unsigned n = 0; a.value[ROWS - 4] == 0; n++) {
        if (n == 5)
            fail_msg("%s: the RTC does not tick", when);
        a = read_table(k);
    }
    struct table b = a;
    while (b.ms < a.ms + 1000.0 * seconds - 500)
        b = read_table(k);
    double s = (b.ms - a.ms) / 1000;
    unsigned wrong = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        double rate = (b.value[i] - a.value[i]) / s;
        double off = expected[i].rate * expected[i].tolerance;
        if (rate < expected[i].rate - off || rate > expected[i].rate + off) {
            print_message("# %s: %s comes %.2f times a second, not %.0f\n", when, expected[i].name, rate,
                          expected[i].rate);
            wrong++;
        }
    }
    /* The chip's own milliseconds are those of virtual time. */
    double real = (double)(b.t - a.t) / 1e6;
    assert_true(real > (b.ms - a.ms) - 20 && real < (b.ms - a.ms) + 20);
    assert_int_equal(wrong, 0);
    assert_int_equal(k->faults, 0);
}

static void after_power_on(void **state)
{
    (void)state;
    struct kit *k = powered(BOOT, WORKBENCH);
    assert_true(vboard_adc(k->bench.board, "PC0", 1650));
    open_port(k);
    expect_rates(k, "power-on", 10);
    bench_expect_blink(&k->bench, 3, 1000);
    uint8_t bytes[3] = {1, 2, 3};
    assert_true(vboard_uart_send(k->bench.board, "USART1", bytes, 3));
    assert_true(vboard_uart_send(k->bench.board, "VCP", bytes, 3));
    bench_run(&k->bench, 10 * MS);
    uint32_t at = kit_symbol(WORKBENCH, "counters");
    assert_int_equal(vboard_peek32(k->bench.board, at + 4 * 20), 3); /* USART1 received */
    assert_int_equal(vboard_peek32(k->bench.board, at + 4 * 23), 1); /* USART2 idle */
    uint8_t ring[3];
    assert_true(vboard_peek(k->bench.board, kit_symbol(WORKBENCH, "usart2_ring"), ring, 3));
    assert_memory_equal(ring, bytes, 3);
    uint16_t adc[10][3]; /* the reference of 1.212 V, the sensor's 0.76 V at 30 degrees, PC0 */
    assert_true(vboard_peek(k->bench.board, kit_symbol(WORKBENCH, "adc_values"), adc, sizeof adc));
    for (unsigned i = 0; i < 10; i++) {
        assert_in_range(adc[i][0], 1480, 1530);
        assert_in_range(adc[i][1], 850, 1050);
        assert_in_range(adc[i][2], 2046, 2050);
    }
    kit_end(k);
}

/* VTOR is at the bootloader: every interrupt comes through its vectors. */
static void with_vtor_set_back(void **state)
{
    (void)state;
    struct kit *k = powered(BOOT, VTOR_BACK);
    open_port(k);
    expect_rates(k, "VTOR set back", 10);
    assert_int_equal(vboard_peek32(k->bench.board, 0xE000ED08), 0x08000000);
    kit_end(k);
}

/* Downloaded and left, downloaded and reset, back by 0xAA and downloaded again; confirmed for ever. */
static void after_downloads(void **state)
{
    (void)state;
    struct kit *k = powered(BOOT, NULL);
    kit_expect_dfu(k, "blank");
    kit_download(k, WORKBENCH_BIN);
    open_port(k);
    expect_rates(k, "download", 4);
    assert_int_equal(read_table(k).confirmed, 1);
    for (unsigned n = 0; n < 5; n++) { /* more often than an unconfirmed image may start */
        vboard_nrst(k->bench.board, MS);
        bench_run(&k->bench, 300 * MS);
        open_port(k);
    }
    expect_rates(k, "reset", 4);

    uint8_t byte = 0xAA;
    assert_int_equal(usbhost_bulk(k->bench.host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
    assert_true(usbhost_wait_detached(k->bench.host, 100 * MS));
    kit_expect_dfu(k, "0xAA");
    kit_download_by(k, WORKBENCH_BIN, false, DFU_AS_ANNOUNCED);
    vboard_nrst(k->bench.board, MS); /* no leave: the reset button */
    bench_run(&k->bench, 300 * MS);
    open_port(k);
    expect_rates(k, "download without leave", 4);

    /* Unplugged and plugged in again; RTC and all by its battery, or not. */
    for (unsigned battery = 0; battery < 2; battery++) {
        vboard_power(k->bench.board, false, battery);
        vboard_power(k->bench.board, true, battery);
        open_port(k);
        expect_rates(k, battery ? "power with battery" : "power", 4);
    }

    /* A plain DFU 1.1 tool, which finds the running application first. */
    kit_download_by(k, WORKBENCH_BIN, false, DFU_DFU11);
    open_port(k);
    expect_rates(k, "DFU 1.1", 4);
    kit_end(k);
}

/* A blank chip: the ROM downloads bootloader and workbench as one file, for the factory. */
static void after_the_rom(void **state)
{
    (void)state;
    uint32_t size;
    const char *const args[] = {
        "build/host/sureboot", "merge", "build/firmware/boot.bin", WORKBENCH_BIN, "-o",
        temp("factory.bin"),   NULL};
    struct command_result merged = command(args, NULL);
    assert_int_equal(merged.status, 0);
    command_result_free(&merged);
    uint8_t *bytes = bench_file(temp("factory.bin"), &size);

    struct kit *k = powered(NULL, NULL);
    assert_true(usbhost_wait_attached(k->bench.host, 2000 * MS));
    assert_int_equal(usbhost_device_descriptor(k->bench.host)[13], 0x22); /* the ROM's bcdDevice */
    const struct dfu_element element = {0x08000000, bytes, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = true, .limit_ns = 60000 * MS};
    struct dfu_result result;
    dfu_run(k->bench.host, &job, &result);
    free(bytes);
    if (!result.ok)
        fail_msg("%s", result.error);
    open_port(k);
    expect_rates(k, "download by the ROM", 4);
    vboard_nrst(k->bench.board, MS);
    bench_run(&k->bench, 300 * MS);
    open_port(k);
    expect_rates(k, "reset after the ROM", 4);
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_power_on),
        cmocka_unit_test(with_vtor_set_back),
        cmocka_unit_test(after_downloads),
        cmocka_unit_test_setup_teardown(after_the_rom, temp_make, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
