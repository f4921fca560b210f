/* The ROM stand-in as a DFU device: identity, and the commands of AN3156, on a chip that it was entered on
 * by its blank flash. What a real ROM does where this does not follow from AN3156 or AN2606 is listed in
 * docs/rom-bootloader.md. */
#include "bench.h"

enum { IDLE = 2, SYNC, DNBUSY, DNLOAD_IDLE, MANIFEST_SYNC, MANIFEST, UPLOAD_IDLE = 9, ERROR };

static struct bench *rom_start(void)
{
    struct bench *t = bench_start(NULL, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    return t;
}

static int dnload(struct bench *t, uint16_t block, const void *data, uint16_t size)
{
    return usbhost_control(t->host, 0x21, 1, block, 0, (void *)(uintptr_t)data, size, NULL);
}

static int upload(struct bench *t, uint16_t block, void *data, uint16_t size)
{
    uint32_t actual = 0;
    int status = usbhost_control(t->host, 0xA1, 2, block, 0, data, size, &actual);
    return status == UH_OK ? (int)actual : status;
}

static int simple(struct bench *t, uint8_t request)
{
    return usbhost_control(t->host, 0x21, request, 0, 0, NULL, 0, NULL);
}

struct status {
    unsigned status, poll, state;
};

static struct status get_status(struct bench *t)
{
    uint8_t s[6] = {0};
    assert_int_equal(usbhost_control(t->host, 0xA1, 3, 0, 0, s, 6, NULL), UH_OK);
    return (struct status){s[0], s[1] | (unsigned)s[2] << 8, s[4]};
}

/* DNLOAD, the status that says dfuDNBUSY, and the one that tells the result. */
static struct status carry_out(struct bench *t, uint16_t block, const void *data, uint16_t size)
{
    assert_int_equal(dnload(t, block, data, size), UH_OK);
    struct status s = get_status(t);
    assert_int_equal(s.state, DNBUSY);
    return get_status(t);
}

static struct status command(struct bench *t, uint8_t what, uint32_t addr)
{
    uint8_t bytes[5] = {what};
    memcpy(bytes + 1, &addr, 4);
    return carry_out(t, 0, bytes, 5);
}

static void point_at(struct bench *t, uint32_t addr)
{
    struct status s = command(t, 0x21, addr);
    assert_int_equal(s.status, 0);
    assert_int_equal(s.state, DNLOAD_IDLE);
}

static const char *string(struct bench *t, uint8_t index)
{
    static char text[128];
    uint8_t bytes[255];
    uint32_t n = 0;
    assert_int_equal(
        usbhost_control(t->host, 0x80, 6, (uint16_t)(0x300 | index), 0x0409, bytes, sizeof bytes, &n), UH_OK);
    size_t at = 0;
    for (uint32_t i = 2; i < n; i += 2)
        text[at++] = (char)bytes[i];
    text[at] = 0;
    return text;
}

static void identity(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    static const uint8_t descriptor[18] = {18,   1,    0,    1,    0,    0, 0, 64, 0x83,
                                           0x04, 0x11, 0xDF, 0x00, 0x22, 1, 2, 3,  1};
    assert_memory_equal(usbhost_device_descriptor(t->host), descriptor, sizeof descriptor);
    assert_string_equal(string(t, 1), "STMicroelectronics");
    assert_string_equal(string(t, 2), "STM32  BOOTLOADER");
    char serial[13];
    (void)snprintf(serial, sizeof serial, "%08X%04X",
                   vboard_peek32(t->board, 0x1FFF7590) + vboard_peek32(t->board, 0x1FFF7598),
                   vboard_peek32(t->board, 0x1FFF7594) >> 16);
    assert_string_equal(string(t, 3), serial);
    assert_string_equal(string(t, 4), "@Internal Flash  /0x08000000/0128*0002Kg");
    assert_string_equal(string(t, 5), "@Option Bytes  /0x1FFF7800/01*040 e");
    assert_string_equal(string(t, 6), "@OTP Memory /0x1FFF7000/01*0001Ke");
    assert_string_equal(string(t, 7), "@Device Feature/0xFFFF0000/01*004 e");
    const uint8_t *c = usbhost_config_descriptor(t->host);
    static const uint8_t head[9] = {9, 2, 54, 0, 1, 1, 0, 0xC0, 50};
    static const uint8_t dfu[9] = {9, 0x21, 0x0B, 0xFF, 0, 0, 8, 0x1A, 1};
    assert_memory_equal(c, head, sizeof head);
    for (uint8_t alt = 0; alt < 4; alt++) {
        const uint8_t interface[9] = {9, 4, 0, alt, 0, 0xFE, 1, 2, (uint8_t)(4 + alt)};
        assert_memory_equal(c + 9 + 9 * alt, interface, sizeof interface);
    }
    assert_memory_equal(c + 45, dfu, sizeof dfu);
    uint8_t id[2];
    assert_true(vboard_peek(t->board, 0x1FFF6FFE, &id[0], 1) && vboard_peek(t->board, 0x1FFF6FF2, &id[1], 1));
    assert_int_equal(id[0], 0x91);
    assert_int_equal(id[1], 0x10);
    bench_end(t);
}

static void commands_and_addresses(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint8_t bytes[64];
    static const uint8_t list[4] = {0x00, 0x21, 0x41, 0x92};
    assert_int_equal(upload(t, 0, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, list, 4);
    static const struct {
        uint32_t addr;
        uint8_t what;
        bool good;
    } rows[] = {
        {0x08000000, 0x21, true},  {0x0803FFFF, 0x21, true},  {0x08040000, 0x21, false},
        {0x20000000, 0x21, false}, {0x1FFF7800, 0x21, true},  {0x1FFF7828, 0x21, false},
        {0x1FFF7000, 0x21, true},  {0xFFFF0000, 0x21, true},  {0x08000000, 0x41, true},
        {0x08040000, 0x41, false}, {0x1FFF7800, 0x41, false}, {0x08000000, 0x77, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct status s = command(t, rows[i].what, rows[i].addr);
        assert_int_equal(s.state, rows[i].good ? DNLOAD_IDLE : ERROR);
        assert_int_equal(s.status, rows[i].good ? 0 : 1); /* errTARGET */
        assert_int_equal(rows[i].good ? simple(t, 6) : simple(t, 4), UH_OK);
        assert_int_equal(get_status(t).state, IDLE);
    }
    bench_end(t);
}

/* Requests that do not fit the state are stalled and end in dfuERROR; CLRSTATUS leads out of it. */
static void wrong_requests(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    static uint8_t bytes[2049];
    static const struct {
        uint8_t type, request;
        uint16_t value, length;
    } rows[] = {
        {0x21, 0, 0, 0},    {0x21, 1, 2, 2049}, {0xA1, 1, 2, 8}, {0xA1, 2, 1, 8}, {0x21, 2, 2, 8},
        {0xA1, 2, 2, 2049}, {0x21, 4, 0, 0},    {0x21, 7, 0, 0}, {0x21, 3, 0, 6}, {0xA1, 2, 2, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(usbhost_control(t->host, rows[i].type, rows[i].request, rows[i].value, 0, bytes,
                                         rows[i].length, NULL),
                         UH_STALL);
        struct status s = get_status(t);
        assert_int_equal(s.state, ERROR);
        assert_int_equal(s.status, 0x0F);
        assert_int_equal(simple(t, 4), UH_OK);
        assert_int_equal(get_status(t).state, IDLE);
    }
    assert_int_equal(usbhost_control(t->host, 0x21, 1, 2, 1, bytes, 8, NULL), UH_STALL); /* interface 1 */
    assert_int_equal(get_status(t).state, IDLE);
    assert_int_equal(carry_out(t, 1, bytes, 8).status, 0x0F); /* block 1 has no meaning */
    assert_int_equal(get_status(t).state, ERROR);
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK); /* begins anew */
    assert_int_equal(get_status(t).state, IDLE);
    assert_int_equal(dnload(t, 0, NULL, 0), UH_OK); /* a leave that is thought better of */
    assert_int_equal(simple(t, 6), UH_OK);
    assert_int_equal(get_status(t).state, IDLE);
    bench_end(t);
}

/* What would run over the end of a memory is refused whole. */
static void ends_of_memories(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint8_t bytes[64] = {1, 2, 3};
    static const struct {
        uint32_t addr;
        uint16_t fits, over;
    } rows[] = {{0x0803FFF8, 8, 16}, {0x1FFF73F8, 8, 16}, {0xFFFF0000, 4, 8}, {0xFFFF0000, 4, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        point_at(t, rows[i].addr);
        assert_int_equal(carry_out(t, 2, bytes, rows[i].over).status, 1); /* errTARGET */
        assert_int_equal(simple(t, 4), UH_OK);
        assert_int_equal(upload(t, 2, bytes, rows[i].over), UH_STALL);
        assert_int_equal(get_status(t).status, 1);
        assert_int_equal(simple(t, 4), UH_OK);
        assert_int_equal(upload(t, 2, bytes, rows[i].fits), rows[i].fits);
        for (unsigned k = 0; k < rows[i].fits; k++)
            assert_int_equal(bytes[k], i < 2 ? 0xFF : 0);
        assert_int_equal(get_status(t).state, UPLOAD_IDLE);
        assert_int_equal(upload(t, 0, bytes, sizeof bytes), 4); /* the list of commands ends an upload */
        assert_int_equal(get_status(t).state, IDLE);
    }
    bench_end(t);
}

static void writes_and_erases(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint8_t data[2048], back[2048];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 13 + 1);
    point_at(t, 0x08001000);
    assert_int_equal(dnload(t, 3, data, 2048), UH_OK); /* block 3: one transfer behind the pointer */
    struct status s = get_status(t);
    assert_int_equal(s.state, DNBUSY);
    assert_in_range(s.poll, 21, 30); /* 256 double words of 91 us at most */
    uint64_t before = vboard_now(t->board);
    assert_int_equal(get_status(t).state, DNLOAD_IDLE);
    assert_in_range(vboard_now(t->board) - before, 20 * MS, 24 * MS); /* it was done in between */
    assert_int_equal(simple(t, 6), UH_OK);
    assert_int_equal(upload(t, 3, back, 2048), 2048);
    assert_memory_equal(back, data, 2048);
    assert_int_equal(upload(t, 2 + 257, back, 8), 8); /* a block is as long as it is asked for */
    assert_memory_equal(back, data + 8, 8);
    assert_int_equal(get_status(t).state, UPLOAD_IDLE);
    assert_int_equal(vboard_peek32(t->board, 0x08001000), 0xFFFFFFFF);
    assert_int_equal(simple(t, 6), UH_OK);

    /* A length that is no multiple of eight: filled up with ones. */
    point_at(t, 0x08003000);
    assert_int_equal(carry_out(t, 2, data, 13).state, DNLOAD_IDLE);
    assert_true(vboard_peek(t->board, 0x08003000, back, 16));
    assert_memory_equal(back, data, 13);
    assert_int_equal(back[13] & back[14] & back[15], 0xFF);

    static const uint8_t erase[5] = {0x41, 0xFC, 0x1F, 0, 8}; /* the page of that address */
    assert_int_equal(dnload(t, 0, erase, 5), UH_OK);
    assert_in_range(get_status(t).poll, 25, 30); /* 24.47 ms at most (DS11449) */
    assert_int_equal(get_status(t).state, DNLOAD_IDLE);
    assert_int_equal(vboard_peek32(t->board, 0x08001800), 0xFFFFFFFF);
    assert_int_equal(vboard_peek32(t->board, 0x08003000), *(uint32_t *)(void *)data);
    const uint8_t mass = 0x41;
    assert_int_equal(carry_out(t, 0, &mass, 1).state, DNLOAD_IDLE);
    assert_int_equal(vboard_peek32(t->board, 0x08003000), 0xFFFFFFFF);

    /* An address that is no multiple of eight fails, and with it all that follows; nobody says so (AN2606).
     */
    point_at(t, 0x08004004);
    assert_int_equal(carry_out(t, 2, data, 8).state, DNLOAD_IDLE);
    point_at(t, 0x08005000);
    assert_int_equal(carry_out(t, 2, data, 8).state, DNLOAD_IDLE);
    assert_int_equal(vboard_peek32(t->board, 0x08004004), 0xFFFFFFFF);
    assert_int_equal(vboard_peek32(t->board, 0x08005000), 0xFFFFFFFF);
    bench_end(t);
}

static void otp_and_feature(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8];
    point_at(t, 0x1FFF7010);
    assert_int_equal(carry_out(t, 2, data, 8).state, DNLOAD_IDLE);
    assert_int_equal(simple(t, 6), UH_OK);
    assert_int_equal(upload(t, 2, back, 8), 8);
    assert_memory_equal(back, data, 8);
    assert_int_equal(simple(t, 6), UH_OK);
    point_at(t, 0xFFFF0000);
    assert_int_equal(carry_out(t, 2, data, 4).status, 1); /* errTARGET */
    assert_int_equal(simple(t, 4), UH_OK);
    assert_int_equal(upload(t, 2, back, 4), 4);
    bench_end(t);
}

/* A request whose end is a reset instead of an answer (AN3156, for this chip); then the ROM again, since the
 * flash is blank. */
static void reset_by(struct bench *t, uint16_t block, const void *data, uint16_t size)
{
    unsigned resets = t->resets;
    assert_int_equal(dnload(t, block, data, size), UH_OK);
    assert_int_equal(get_status(t).state, DNBUSY);
    assert_true(usbhost_wait_detached(t->host, 1000 * MS));
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    assert_int_equal(t->resets, resets + 1);
    assert_int_equal(get_status(t).state, IDLE);
}

static void option_bytes(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint32_t words[10], back[10];
    point_at(t, 0x1FFF7800);
    assert_int_equal(simple(t, 6), UH_OK);
    assert_int_equal(upload(t, 2, words, 40), 40);
    assert_int_equal(words[0], ~words[1]);
    assert_int_equal(upload(t, 2, back, 8), UH_STALL); /* only as a whole */
    assert_int_equal(simple(t, 4), UH_OK);
    words[0] &= ~(1u << 12); /* nRST_STOP */
    words[2] = 0;            /* PCROP: not through the ROM (AN2606) */
    words[6] = 0xFF01FF00;   /* WRP1A: pages 0 and 1 */
    words[8] = 0xFF05FF04;   /* WRP1B: pages 4 and 5 */
    assert_int_equal(command(t, 0x21, 0x1FFF7800).state, DNLOAD_IDLE);
    assert_int_equal(carry_out(t, 2, words, 8).status, 1); /* errTARGET */
    assert_int_equal(simple(t, 4), UH_OK);
    reset_by(t, 2, words, 40);
    assert_int_equal(vboard_peek32(t->board, 0x40022020) & 1u << 12, 0);
    assert_int_equal(vboard_peek32(t->board, 0x40022024) & 0x7FFF, 0x7FFF);
    assert_int_equal(vboard_peek32(t->board, 0x4002202C) & 0x007F007F, 0x00010000);
    assert_int_equal(vboard_peek32(t->board, 0x40022030) & 0x007F007F, 0x00050004);

    /* A write-protected page stays blank, and that is not reported (AN3156). */
    point_at(t, 0x08000000);
    assert_int_equal(carry_out(t, 2, words, 8).state, DNLOAD_IDLE);
    assert_int_equal(vboard_peek32(t->board, 0x08000000), 0xFFFFFFFF);
    bench_end(t);
}

static void read_protection(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    uint32_t words[10];
    const uint8_t unprotect = 0x92;
    point_at(t, 0x08008000);
    assert_int_equal(carry_out(t, 2, "sureboot", 8).state, DNLOAD_IDLE);
    point_at(t, 0x1FFF7800);
    assert_int_equal(simple(t, 6), UH_OK);
    assert_int_equal(upload(t, 2, words, 40), 40);
    assert_int_equal(simple(t, 6), UH_OK);
    words[0] = (words[0] & ~0xFFu) | 0x55;
    point_at(t, 0x1FFF7800);
    reset_by(t, 2, words, 40);
    assert_int_equal(vboard_peek32(t->board, 0x40022020) & 0xFF, 0x55);

    assert_int_equal(upload(t, 2, words, 40), UH_STALL);
    assert_int_equal(get_status(t).status, 0x0B); /* errVENDOR */
    assert_int_equal(simple(t, 4), UH_OK);
    point_at(t, 0x08008000);
    assert_int_equal(carry_out(t, 2, "sureboot", 8).status, 0x0B);
    assert_int_equal(simple(t, 4), UH_OK);
    assert_int_equal(command(t, 0x41, 0x08008000).status, 0x0B);
    assert_int_equal(simple(t, 4), UH_OK);
    reset_by(t, 0, &unprotect, 1);
    assert_int_equal(vboard_peek32(t->board, 0x40022020) & 0xFF, 0xAA);
    assert_int_equal(vboard_peek32(t->board, 0x08008000), 0xFFFFFFFF);
    bench_end(t);
}

/* Off the bus for 10 ms, then on to what the pointer points at: with USB off, and clocks as they are. Where
 * no program is there is a reset instead. */
static void leaves(void **state)
{
    (void)state;
    struct bench *t = rom_start();
    static const uint32_t program[3] = {0x20001000, 0x08008009, 0xE7FEE7FE}; /* b . */
    unsigned resets = t->resets;
    point_at(t, 0x08008000);
    assert_int_equal(dnload(t, 0, NULL, 0), UH_OK);
    assert_int_equal(get_status(t).state, MANIFEST);
    assert_true(usbhost_wait_detached(t->host, 1000 * MS) && usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(t->resets, resets + 1);
    assert_in_range(t->reset_at - t->left_at, 8 * MS, 15 * MS);

    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    point_at(t, 0x08008000);
    assert_int_equal(carry_out(t, 2, program, sizeof program).state, DNLOAD_IDLE);
    assert_int_equal(dnload(t, 0, NULL, 0), UH_OK);
    assert_int_equal(get_status(t).state, MANIFEST);
    assert_true(vboard_break(t->board, 0x08008008, true));
    assert_int_equal(vboard_run(t->board, 100 * MS, NULL, NULL), VB_BREAK);
    assert_in_range(vboard_now(t->board) - t->left_at, 8 * MS, 15 * MS);
    assert_int_equal(t->resets, resets + 1);
    assert_int_equal(vboard_peek32(t->board, 0x40021058) & (1u << 26 | 1u << 24 | 1u << 10), 0);
    assert_int_equal(vboard_peek32(t->board, 0x40021008) & 0xC, 0xC); /* the PLL drives SYSCLK */
    assert_int_equal(vboard_reg(t->board, 13), 0x20001000);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity),        cmocka_unit_test(commands_and_addresses),
        cmocka_unit_test(wrong_requests),  cmocka_unit_test(writes_and_erases),
        cmocka_unit_test(otp_and_feature), cmocka_unit_test(option_bytes),
        cmocka_unit_test(read_protection), cmocka_unit_test(ends_of_memories),
        cmocka_unit_test(leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
