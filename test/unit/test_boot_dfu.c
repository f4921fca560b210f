/* The DFU state machine: every request in every state, what is refused and why, UPLOAD, leaving. */
#include "cmocka_first.h"

#include "boot/core/config.h"
#include "boot/core/verdict.h"
#include "dfubench.h"
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    (void)state;
    fake_init();
    bench_boot(MESSAGE_EMPTY);
    return 0;
}

static enum message why(void)
{
    struct status s = get_status();
    assert_int_equal(s.state, DFU_ERROR);
    assert_int_equal(s.status, message_status((enum message)(s.string - 0x10)));
    return (enum message)(s.string - 0x10);
}

/* ---- the table --------------------------------------------------------------------------- */

static void go_to(unsigned state)
{
    static const uint8_t set_address[5] = {0x21, 0x00, 0x40, 0x00, 0x08};
    uint8_t buffer[16];
    setup(NULL);
    switch (state) {
    case DFU_IDLE: break;
    case DFU_DNLOAD_SYNC: assert_true(dnload(0, set_address, 5)); break;
    case DFU_DNBUSY:
        assert_true(dnload(0, set_address, 5));
        get_status();
        break;
    case DFU_DNLOAD_IDLE: assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR)); break;
    case DFU_MANIFEST_SYNC: assert_int_equal(request(0x21, DFU_REQ_DNLOAD, 2, NULL, 0), 0); break;
    case DFU_MANIFEST: leave(); break;
    case DFU_UPLOAD_IDLE: assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, buffer, 16), 16); break;
    case DFU_ERROR: assert_false(simple(DFU_REQ_CLRSTATUS)); break;
    default: fail();
    }
    assert_int_equal(get_state(), state);
}

/* USB DFU 1.1 annex A.2, but that a zero-length DNLOAD leaves from dfuIDLE too (AN3156), and GETSTATUS is
 * answered in dfuDNBUSY. Columns are requests; a cell is the state afterwards, with a
 * leading '!' if the request is stalled. */
static const struct {
    unsigned state;
    const char *after[11];
} cells[] = {
    /*                   DETACH DNLOAD  LEAVE UPLOAD GETSTATUS CLRSTATUS GETSTATE ABORT 7     IN-DNLOAD
       OUT-UPLOAD */
    {DFU_IDLE, {"!10", "3", "6", "9", "2", "!10", "2", "2", "!10", "!10", "!10"}},
    {DFU_DNLOAD_SYNC, {"!10", "!10", "!10", "!10", "4", "!10", "3", "!10", "!10", "!10", "!10"}},
    {DFU_DNBUSY, {"!10", "!10", "!10", "!10", "5", "!10", "4", "!10", "!10", "!10", "!10"}},
    {DFU_DNLOAD_IDLE, {"!10", "3", "6", "!10", "5", "!10", "5", "2", "!10", "!10", "!10"}},
    {DFU_MANIFEST_SYNC, {"!6", "!6", "!6", "!6", "7", "!6", "6", "!6", "!6", "!6", "!6"}},
    {DFU_MANIFEST, {"!7", "!7", "!7", "!7", "7", "!7", "7", "!7", "!7", "!7", "!7"}},
    {DFU_UPLOAD_IDLE, {"!10", "!10", "!10", "9", "9", "!10", "9", "2", "!10", "!10", "!10"}},
    {DFU_ERROR, {"!10", "!10", "!10", "!10", "10", "2", "10", "!10", "!10", "!10", "!10"}},
};

static void every_request_in_every_state(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, number;
        uint16_t value, length;
    } requests[] = {
        {0x21, 0, 1000, 0}, {0x21, 1, 0, 5}, {0x21, 1, 2, 0}, {0xA1, 2, 2, 16},
        {0xA1, 3, 0, 6},    {0x21, 4, 0, 0}, {0xA1, 5, 0, 1}, {0x21, 6, 0, 0},
        {0x21, 7, 0, 0},    {0xA1, 1, 0, 6}, {0x21, 2, 2, 0},
    };
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof cells / sizeof *cells; i++) {
        for (unsigned r = 0; r < sizeof requests / sizeof *requests; r++) {
            uint8_t data[16] = {0x21, 0x00, 0x40, 0x00, 0x08};
            const char *after = cells[i].after[r];
            bool stall = *after == '!';
            go_to(cells[i].state);
            int got =
                request(requests[r].type, requests[r].number, requests[r].value, data, requests[r].length);
            if ((got < 0) != stall || get_state() != (unsigned)atoi(after + stall))
                fail_msg("state %u, request %u: %s, then state %u, not %s", cells[i].state,
                         requests[r].number, got < 0 ? "stalled" : "accepted", get_state(), after);
            n++;
        }
    }
    print_message("# %u cells\n", n);
}

/* An error is kept as it was first told until it is cleared. */
static void error_is_kept(void **state)
{
    (void)state;
    assert_false(dfuse_command(DFUSE_SET_ADDRESS, 0x20000000));
    assert_int_equal(why(), MESSAGE_ADDRESS);
    assert_false(simple(DFU_REQ_ABORT));
    assert_false(dnload(2, "x", 1));
    assert_int_equal(why(), MESSAGE_ADDRESS);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    struct status s = get_status();
    assert_int_equal(s.state, DFU_IDLE);
    assert_int_equal(s.status, DFU_STATUS_OK);
    assert_int_equal(s.string, 0); /* hosts print what it names, MicroPython's after every block */
    assert_int_equal(s.poll, 0);
}

/* A control request with data where none belongs is no such request. */
static void data_where_none_belongs(void **state)
{
    (void)state;
    static const uint8_t numbers[] = {DFU_REQ_ABORT, DFU_REQ_CLRSTATUS, DFU_REQ_DETACH};
    for (unsigned i = 0; i < 3; i++) {
        setup(NULL);
        const struct usb_setup s = {0x21, numbers[i], 0, 0, 4};
        assert_int_equal(dfu_setup(&dfu, &s), DFU_STALL);
        assert_int_equal(why(), MESSAGE_REQUEST);
    }
}

/* ---- DNLOAD ------------------------------------------------------------------------------ */

static void refused_blocks(void **state)
{
    (void)state;
    static uint8_t image[4096];
    make_image(image, sizeof image, 1);
    static const struct {
        const char *what;
        uint16_t block, length;
        uint8_t first;
        enum message m;
    } table[] = {
        {"longer than a transfer", 2, 2049, 0, MESSAGE_BLOCK},
        {"two bytes on block 0", 0, 2, 0x41, MESSAGE_COMMAND},
        {"three", 0, 3, 0x21, MESSAGE_COMMAND},
        {"four", 0, 4, 0x21, MESSAGE_COMMAND},
        {"unknown command", 0, 1, 0x77, MESSAGE_COMMAND},
        {"unknown command with an address", 0, 5, 0x77, MESSAGE_COMMAND},
        {"address without one", 0, 1, 0x21, MESSAGE_COMMAND},
        {"Get is an UPLOAD", 0, 1, 0x00, MESSAGE_COMMAND},
        {"read unprotect", 0, 1, 0x92, MESSAGE_UNPROTECT},
        {"read unprotect with an address", 0, 5, 0x92, MESSAGE_COMMAND},
        {"block 1 is reserved", 1, 64, 0, MESSAGE_BLOCK},
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        setup(NULL);
        image[0] = table[i].first;
        enum message m = send_block(table[i].block, image, table[i].length);
        if (m != table[i].m)
            fail_msg("%s: %d", table[i].what, (int)m);
        assert_int_equal(fake.operations, 0);
    }
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        uint32_t addr;
        bool set, erase;
    } table[] = {
        {0x08004000, true, true},   {0x0803EFFF, true, true},   {0x08003FFF, true, false},
        {0x0803F000, false, false}, {0x08000000, true, false},  {0x07FFFFFF, false, false},
        {0xFFFFFFFF, false, false}, {0x20000000, false, false}, {0x1FFF7800, false, false},
        {0xF0000000, true, false},  {0xF00003FF, true, false},  {0xF0000400, false, false},
        {0, false, false},          {0x88004000, false, false},
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        setup(NULL);
        assert_int_equal(dfuse_command(DFUSE_SET_ADDRESS, table[i].addr), table[i].set);
        setup(NULL);
        assert_int_equal(dfuse_command(DFUSE_ERASE, table[i].addr), table[i].erase);
    }
}

/* The first thing that STM32CubeProgrammer does when it has connected. */
static void upload_of_the_bootloader(void **state)
{
    (void)state;
    static uint8_t got[1024];
    for (unsigned i = 0; i < 2 * sizeof got; i++)
        fake.flash[i] = (uint8_t)(i * 7 + 1);
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, FLASH_ADDR));
    assert_true(simple(DFU_REQ_ABORT));
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, (uint16_t)(2 + n), got, sizeof got), sizeof got);
        assert_memory_equal(got, fake.flash + n * sizeof got, sizeof got);
    }
}

/* By no arithmetic can anything outside the slot be reached. */
static void blocks_outside(void **state)
{
    (void)state;
    static uint8_t bytes[2048];
    static const uint32_t pointers[] = {0x08004000, 0x0803E800, 0x0803EFFF,
                                        0x08000000, 0xF0000000, 0xF00003FF};
    memset(bytes, 0, sizeof bytes);
    for (unsigned p = 0; p < sizeof pointers / sizeof *pointers; p++) {
        for (unsigned block = 2; block < 65536; block += block < 130 ? 1 : 997) {
            for (unsigned length = 1; length <= 2048; length = length < 2047 ? 2 * length + 1 : length + 1) {
                setup(NULL);
                assert_true(dfuse_command(DFUSE_SET_ADDRESS, pointers[p]));
                uint64_t first = pointers[p] + (uint64_t)(block - 2) * length, end = first + length;
                bool inside = first > SLOT_ADDR && end <= SLOT_END; /* the start has to pass the lint */
                enum message m = send_block((uint16_t)block, bytes, (uint16_t)length);
                if (inside)
                    assert_int_equal(m, MESSAGE_READY);
                else
                    assert_true(m == MESSAGE_ADDRESS || m == MESSAGE_TOO_LARGE || m == MESSAGE_BLANK_FILE ||
                                (first == SLOT_ADDR && length < 8));
            }
        }
    }
}

/* pointer + (n - 2) x length of the first block since Set Address: a short last block lands right. */
static void short_last_block(void **state)
{
    (void)state;
    static uint8_t image[5000];
    make_image(image, sizeof image, 2);
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_int_equal(send_block(3, image + 2048, 2048), MESSAGE_READY);
    assert_int_equal(send_block(4, image + 4096, 904), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_true(slot_holds(image, sizeof image));
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* Blocks of an upload that ends in an error have no say in where data goes. */
static void blocks_of_an_upload_do_not_count(void **state)
{
    (void)state;
    static uint8_t image[1000], buffer[64];
    make_image(image, sizeof image, 3);
    setup(NULL);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, buffer, sizeof buffer), sizeof buffer);
    assert_false(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_int_equal(send_block(2, image, 500), MESSAGE_READY);
    assert_int_equal(send_block(3, image + 500, 500), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_true(slot_holds(image, sizeof image));
}

static void image_is_looked_at_before_flash_is_touched(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const void *bytes;
        enum message m;
    } files[] = {
        {"ELF", "\177ELF\1\1\1\0\0\0\0\0", MESSAGE_ELF_FILE},
        {"DfuSe", "DfuSe\1\0\0\0\0\0\0", MESSAGE_DFU_FILE},
        {"HEX", ":020000040800F2\r\n", MESSAGE_HEX_FILE},
        {"zeros", "\0\0\0\0\0\0\0\0\0\0\0", MESSAGE_BLANK_FILE},
        {"blank", "\377\377\377\377\377\377\377\377", MESSAGE_BLANK_FILE},
        {"elsewhere", "\0\0\1\x20\1\2\0\x08", MESSAGE_NOT_HERE},
        {"stack", "\0\0\2\x20\1\x42\0\x08", MESSAGE_BAD_STACK},
    };
    for (unsigned dialect = 0; dialect < 2; dialect++) {
        for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
            static uint8_t old[4096], file[2048];
            make_image(old, sizeof old, 3);
            setup(NULL);
            memcpy(fake.flash + (SLOT_ADDR - FLASH_ADDR), old, sizeof old);
            memset(file, 0, sizeof file);
            memcpy(file, files[i].bytes, 8);
            enum message m =
                dialect ? send_block(0, file, sizeof file) : dfu_util(SLOT_ADDR, file, sizeof file, 2048, 0);
            if (m != files[i].m)
                fail_msg("%s: %d", files[i].what, (int)m);
            drain();
            assert_true(simple(DFU_REQ_CLRSTATUS));
            assert_int_equal(leave().state, dialect ? DFU_IDLE : DFU_MANIFEST);
            assert_int_equal(fake.operations, 0);
            assert_true(slot_holds(old, sizeof old));
        }
    }
}

/* ---- UPLOAD ------------------------------------------------------------------------------ */

static void upload(void **state)
{
    (void)state;
    static uint8_t got[2048];
    uint8_t *slot = fake.flash + (SLOT_ADDR - FLASH_ADDR);
    for (uint32_t i = 0; i < SLOT_SIZE; i++)
        slot[i] = (uint8_t)(i * 7 + i / 256);

    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 0, got, 64), 3); /* the command list */
    assert_memory_equal(got, "\x00\x21\x41", 3);
    assert_int_equal(get_state(), DFU_IDLE);

    static const unsigned sizes[] = {2048, 512, 100};
    for (unsigned k = 0; k < 3; k++) {
        unsigned n = sizes[k], block = 2, at = 0;
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 10));
        assert_true(simple(DFU_REQ_ABORT));
        for (; at < SLOT_SIZE - 10; block++) { /* the last one is short, as dfu-util asks for it */
            unsigned want = SLOT_SIZE - 10 - at < n ? SLOT_SIZE - 10 - at : n;
            assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, (uint16_t)block, got, (uint16_t)want), want);
            assert_memory_equal(got, slot + 10 + at, want);
            at += want;
        }
        assert_true(simple(DFU_REQ_ABORT));
    }
    /* Get ends an upload */
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 16), 16);
    assert_int_equal(get_state(), DFU_UPLOAD_IDLE);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 0, got, 64), 3);
    assert_int_equal(get_state(), DFU_IDLE);
    /* asked for more than there is: a short block, and that was it */
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_END - 100));
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 2048), 100);
    assert_int_equal(get_state(), DFU_IDLE);
}

static void refused_uploads(void **state)
{
    (void)state;
    static uint8_t got[4096];
    static const struct {
        uint16_t block, length;
        uint32_t addr;
        enum message m;
    } table[] = {
        {2, 0, SLOT_ADDR, MESSAGE_BLOCK},          {2, 2049, SLOT_ADDR, MESSAGE_BLOCK},
        {2, 4096, SLOT_ADDR, MESSAGE_BLOCK},       {1, 64, SLOT_ADDR, MESSAGE_BLOCK},
        {200, 2048, SLOT_ADDR, MESSAGE_ADDRESS},   {65535, 2048, 0xF0000000, MESSAGE_ADDRESS},
        {65535, 2048, SLOT_ADDR, MESSAGE_ADDRESS}, {4, 1024, 0xF0000000, MESSAGE_ADDRESS},
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        setup(NULL);
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, table[i].addr));
        assert_true(simple(DFU_REQ_ABORT));
        if (table[i].block > 2 && table[i].length)
            assert_true(request(0xA1, DFU_REQ_UPLOAD, 2, got, table[i].length) >= 0);
        if (get_state() == DFU_UPLOAD_IDLE || table[i].block <= 2) {
            assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, table[i].block, got, table[i].length), -1);
            assert_int_equal(why(), table[i].m);
        }
    }
    setup(NULL);
    fake.unreadable[(SLOT_ADDR - FLASH_ADDR) / 8 + 5] = true;
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 40), 40);
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 41), -1);
    assert_int_equal(why(), MESSAGE_UNREADABLE);
}

static void report_is_read(void **state)
{
    (void)state;
    uint8_t got[1024];
    static const char text[] = "sureboot\nverdict: fine\n";
    bench_report = text;
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, DFU_REPORT_ADDR));
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 1024), strlen(text));
    assert_memory_equal(got, text, strlen(text));
    assert_int_equal(get_state(), DFU_IDLE);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 8), 8);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 3, got, 8), 8);
    assert_memory_equal(got, text + 8, 8);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 4, got, 8), strlen(text) - 16);
    bench_report = "";
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 8), 0);
}

/* A page that is only marked for erasing reads as erased. */
static void marked_pages_read_as_erased(void **state)
{
    (void)state;
    uint8_t got[32];
    memset(fake.flash + (SLOT_ADDR - FLASH_ADDR), 0, 8192);
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2040));
    dfu.reply.state = DFU_IDLE; /* ABORT would have it erased */
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, 2, got, 32), 32);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(got[i], i < 8 ? 0 : 0xFF);
    assert_int_equal(fake.operations, 0);
}

/* ---- leaving ----------------------------------------------------------------------------- */

static bool leaves_within(uint32_t ms)
{
    for (; ms > 0 && !dfu_leave_due(&dfu); ms--)
        fake.ms++;
    return dfu_leave_due(&dfu);
}

static void leave_only_leaves(void **state)
{
    (void)state;
    for (unsigned block = 0; block < 3; block++) { /* any block number */
        setup(NULL);
        assert_int_equal(request(0x21, DFU_REQ_DNLOAD, (uint16_t)block, NULL, 0), 0);
        assert_false(dfu_leave_due(&dfu));
        assert_int_equal(get_status().state, DFU_MANIFEST);
        assert_false(dfu_leave_due(&dfu)); /* the answer has to reach the host */
        assert_true(leaves_within(10));
        assert_int_equal(fake.operations, 0);
    }
}

static void host_never_asks_what_came_of_it(void **state)
{
    (void)state;
    assert_int_equal(request(0x21, DFU_REQ_DNLOAD, 2, NULL, 0), 0);
    assert_false(leaves_within(900));
    assert_true(leaves_within(200));
}

/* Plain DFU is manifestation tolerant: the device stays as long as the host talks. */
static void plain_stays_half_a_second(void **state)
{
    (void)state;
    static uint8_t image[3000];
    make_image(image, sizeof image, 4);
    assert_int_equal(plain(image, sizeof image, 2048).state, DFU_IDLE);
    assert_false(leaves_within(450));
    get_status();
    assert_false(leaves_within(450));
    assert_true(leaves_within(60));
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* And if it begins another download, that counts. */
static void plain_stays_for_another_download(void **state)
{
    (void)state;
    static uint8_t image[3000];
    make_image(image, sizeof image, 5);
    assert_int_equal(plain(image, sizeof image, 2048).state, DFU_IDLE);
    make_image(image, sizeof image, 6);
    assert_int_equal(send_block(0, image, 2048), MESSAGE_READY);
    assert_false(leaves_within(5000));
}

/* On its way out it can be read, until the bus is reset. */
static void plain_is_read_before_it_leaves(void **state)
{
    (void)state;
    static uint8_t image[3000], buffer[64];
    make_image(image, sizeof image, 7);
    setup(NULL);
    assert_int_equal(plain(image, sizeof image, 2048).state, DFU_IDLE);
    assert_int_equal(request(0xA1, DFU_REQ_UPLOAD, BOOT_DFU11 ? 0 : 2, buffer, sizeof buffer), sizeof buffer);
    assert_int_equal(get_state(), DFU_UPLOAD_IDLE);
    dfu_event(&dfu, DFU_BUS_RESET);
    assert_int_equal(get_state(), DFU_IDLE);
}

/* ---- events ------------------------------------------------------------------------------ */

static void events_end_what_was(void **state)
{
    (void)state;
    static const enum dfu_event events[] = {DFU_BUS_RESET, DFU_CONFIGURED, DFU_INTERFACE_SET};
    for (unsigned e = 0; e < 3; e++) {
        for (unsigned i = 0; i < sizeof cells / sizeof *cells; i++) {
            unsigned s = cells[i].state;
            go_to(s);
            dfu_event(&dfu, events[e]);
            bool stays = s == DFU_MANIFEST_SYNC || s == DFU_MANIFEST || (s == DFU_ERROR && e == 2);
            assert_int_equal(get_state(), stays ? s : DFU_IDLE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_in_every_state),
        cmocka_unit_test_setup(error_is_kept, setup),
        cmocka_unit_test(data_where_none_belongs),
        cmocka_unit_test(refused_blocks),
        cmocka_unit_test(addresses),
        cmocka_unit_test_setup(upload_of_the_bootloader, setup),
        cmocka_unit_test(blocks_of_an_upload_do_not_count),
        cmocka_unit_test(plain_is_read_before_it_leaves),
        cmocka_unit_test(blocks_outside),
        cmocka_unit_test_setup(short_last_block, setup),
        cmocka_unit_test(image_is_looked_at_before_flash_is_touched),
        cmocka_unit_test_setup(upload, setup),
        cmocka_unit_test(refused_uploads),
        cmocka_unit_test_setup(report_is_read, setup),
        cmocka_unit_test_setup(marked_pages_read_as_erased, setup),
        cmocka_unit_test(leave_only_leaves),
        cmocka_unit_test_setup(host_never_asks_what_came_of_it, setup),
        cmocka_unit_test_setup(plain_stays_half_a_second, setup),
        cmocka_unit_test_setup(plain_stays_for_another_download, setup),
        cmocka_unit_test(events_end_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
