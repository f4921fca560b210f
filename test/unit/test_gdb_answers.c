/* What the gdb server's packets do and answer, where a debugger that is content would not notice. */
#include "gdb_rig.h"

enum { CODE = 0x20000100 };

static void place(int fd, const uint16_t *code, size_t size)
{
    assert_true(vboard_poke(b, CODE, code, size));
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
}

/* The stop that the board comes to by itself, and where. */
static void expect_stop(int fd, const char *resume, const char *stop, uint32_t pc)
{
    say(fd, resume);
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), stop);
    assert_int_equal(vboard_reg(b, 15), pc);
}

static void memory(void **state)
{
    (void)state;
    int fd = dial();
    /* what there is of it; SRAM2's second place is the last */
    assert_string_equal(ask(fd, "M2000fffc,4:01020304"), "OK\n");
    assert_string_equal(ask(fd, "m2000fffc,8"), "01020304\n");
    assert_string_equal(ask(fd, "m20010000,8"), "E0e\n");
    assert_string_equal(ask(fd, "M20000000,2:aabbcc"), "E01\n");
    assert_string_equal(ask(fd, "M20000000,2:aa"), "E01\n");
    /* the check value of CRC-32/MPEG-2, which is this without a complement */
    assert_string_equal(ask(fd, "M20000000,9:313233343536373839"), "OK\n");
    assert_string_equal(ask(fd, "qCRC:20000000,9"), "C376e6e7\n");
    /* a word is one access: of bytes FLASH_KEYR would be locked for good */
    assert_string_equal(ask(fd, "M40022008,4:23016745"), "OK\n");
    assert_string_equal(ask(fd, "M40022008,4:ab89efcd"), "OK\n");
    assert_int_equal(vboard_peek32(b, 0x40022014) >> 31, 0);
    assert_true(vboard_poke(b, 0x2000001c, (const uint32_t[2]){0}, 8));
    assert_string_equal(monitor(fd, "mdh 0x2000001c 4"), "0x2000001c: 0000 0000\n0x20000020: 0000 0000\n");
    (void)close(fd);
}

/* A document comes in pieces, the last of which says so. */
static void documents(void **state)
{
    (void)state;
    int fd = dial();
    char packet[64], text[4096] = "";
    size_t n = 0;
    const char *piece;
    do {
        (void)snprintf(packet, sizeof packet, "qXfer:memory-map:read::%zx,40", n);
        piece = ask(fd, packet);
        size_t more = strlen(piece) - 2; /* m or l, and the line's end */
        assert_in_range(more, 1, 0x40);
        assert_true(n + more < sizeof text);
        (void)snprintf(text + n, sizeof text - n, "%.*s", (int)more, piece + 1);
        n += more;
    } while (*piece == 'm' && n < sizeof text - 0x41);
    assert_int_equal(*piece, 'l');
    assert_string_equal(text + n - strlen("</memory-map>"), "</memory-map>");
    (void)close(fd);
}

/* Watchpoints tell reads from writes; a breakpoint may be given as an address of Thumb code. */
static void points(void **state)
{
    static const uint16_t code[] = {0x6008, 0x680a, 0xe7fe}; /* str r0, [r1]; ldr r2, [r1]; b . */
    static const struct {
        const char *point, *stop;
        uint32_t pc;
    } rows[] = {{"2,20000800,4", "T05watch:20000800;thread:1;\n", CODE + 2},
                {"3,20000800,4", "T05rwatch:20000800;thread:1;\n", CODE + 4},
                {"4,20000800,4", "T05awatch:20000800;thread:1;\n", CODE + 2},
                {"0,20000105,2", "T05thread:1;\n", CODE + 4},
                {"1,20000105,2", "T05thread:1;\n", CODE + 4}};
    char packet[32];
    (void)state;
    int fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        place(fd, code, sizeof code);
        assert_string_equal(ask(fd, "P1=00080020"), "OK\n");
        (void)snprintf(packet, sizeof packet, "Z%s", rows[i].point);
        assert_string_equal(ask(fd, packet), "OK\n");
        expect_stop(fd, "c", rows[i].stop, rows[i].pc);
        packet[0] = 'z';
        assert_string_equal(ask(fd, packet), "OK\n");
    }
    (void)close(fd);
}

/* The end of a range is not in it. */
static void ranges(void **state)
{
    static const uint16_t code[] = {0xbf00, 0xbf00, 0xbf00, 0xe7fe}; /* nop ... */
    (void)state;
    int fd = dial();
    place(fd, code, sizeof code);
    say(fd, "vCont;r20000100,20000104");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL))); /* in it, nobody is told */
    assert_false(gdb_halted(g));
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_int_equal(vboard_reg(b, 15), CODE + 4);
    (void)close(fd);
}

static size_t raw(int fd, char *to, size_t room)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t n = 0;
    for (ssize_t got; n < room && poll(&ready, 1, n == 0 ? 5000 : 0) > 0; n += (size_t)got)
        if ((got = recv(fd, to + n, room - n, 0)) <= 0)
            break;
    return n;
}

static void acknowledgements(void **state)
{
    char text[64];
    uint8_t out[16];
    (void)state;
    int fd = dial();
    say(fd, "QStartNoAckMode");
    assert_int_equal(raw(fd, text, sizeof text), 7);
    assert_memory_equal(text, "+$OK#9a", 7);
    say(fd, "qC");
    assert_int_equal(raw(fd, text, sizeof text), 7);
    assert_memory_equal(text, "$QC1#c5", 7);
    /* an asterisk would say that the byte before it is meant more than once */
    assert_int_equal(packet_put(out, "*", 1), 6);
    assert_memory_equal(out, "$}\n#87", 6);
    (void)close(fd);
}

/* A reset that somebody waited for is not the last, and the others do not halt. */
static void resets(void **state)
{
    (void)state;
    int fd = dial();
    assert_non_null(strstr(monitor(fd, "reset halt"), "is reset and halted"));
    say(fd, "c");
    vboard_nrst(b, 1000000);
    assert_int_equal(vboard_run(b, 20000000, NULL, NULL), VB_TIME);
    assert_false(gdb_halted(g));
    say_bytes(fd, "\003", 1);
    assert_string_equal(heard(fd), "T02thread:1;\n");
    /* while it runs by `monitor reset`, who only reads does not halt it by asking */
    assert_non_null(strstr(monitor(fd, "reset"), "is reset and runs"));
    int reader = dial();
    assert_string_equal(ask(reader, "?"), "T05thread:1;\n");
    assert_false(gdb_halted(g));
    assert_string_equal(ask(fd, "?"), "T05thread:1;\n");
    assert_true(gdb_halted(g));
    (void)close(reader);
    (void)close(fd);
}

/* A board is not killed: it waits for the next command. And when vboard ends gdb is told, if it waits. */
static void ends(void **state)
{
    char text[16];
    (void)state;
    int fd = dial();
    assert_string_equal(ask(fd, "!"), "OK\n");
    say(fd, "c");
    assert_false(gdb_halted(g));
    assert_string_equal(ask(fd, "vKill;1"), "OK\n");
    assert_true(gdb_halted(g));
    say(fd, "c");
    assert_int_equal(vboard_run(b, 1000000, NULL, NULL), VB_TIME);
    (void)raw(fd, text, 1); /* the acknowledgement */
    gdb_close(g, 3);
    g = NULL;
    assert_int_equal(raw(fd, text, sizeof text), 7);
    assert_memory_equal(text, "$W03#ba", 7);
    (void)close(fd);
}

/* What the processor's BKPT 0xAB asks, by its number: what comes back in r0. */
static void semihosting(void **state)
{
    static const uint16_t code[] = {0xbeab, 0xe7fe};
    static const struct {
        uint32_t operation, params[3], r0;
    } rows[] = {
        {0x01, {0x20000300, 0, 3}, 1},          /* SYS_OPEN of ":tt": for reading, writing, appending */
        {0x01, {0x20000300, 4, 3}, 2},          /* */
        {0x01, {0x20000300, 8, 3}, 3},          /* */
        {0x01, {0x20000310, 0, 3}, 0xFFFFFFFF}, /* of another file */
        {0x06, {1, 0x20000400, 10}, 10},        /* SYS_READ: none of the ten bytes */
        {0x05, {2, 0x20000400, 0}, 0},          /* SYS_WRITE: all was written */
        {0x09, {2}, 1},                         /* SYS_ISTTY */
        {0x0C, {2}, 0},                         /* SYS_FLEN */
        {0x7F, {0}, 0xFFFFFFFF},
    };
    char packet[64];
    (void)state;
    assert_true(vboard_poke(b, 0x20000300, ":tt", 4));
    assert_true(vboard_poke(b, 0x20000310, "x.y", 4));
    int fd = dial();
    place(fd, code, sizeof code);
    expect_stop(fd, "c", "T05thread:1;\n", CODE); /* nobody has asked for it: a BKPT as any */
    (void)monitor(fd, "arm semihosting enable");
    assert_string_equal(ask(fd, "P1=00020020"), "OK\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(vboard_poke(b, 0x20000200, rows[i].params, sizeof rows[i].params));
        place(fd, code, sizeof code);
        (void)snprintf(packet, sizeof packet, "P0=%02x000000", (unsigned)rows[i].operation);
        assert_string_equal(ask(fd, packet), "OK\n");
        expect_stop(fd, "s", "T05thread:1;\n", CODE + 2);
        if (vboard_reg(b, 0) != rows[i].r0)
            fail_msg("row %zu: 0x%x", i, (unsigned)vboard_reg(b, 0));
    }
    /* hundredths of a second, seconds */
    say(fd, "c");
    assert_int_equal(vboard_run(b, 1230000000, NULL, NULL), VB_TIME);
    say_bytes(fd, "\003", 1);
    (void)heard(fd);
    place(fd, code, sizeof code);
    assert_string_equal(ask(fd, "P0=10000000"), "OK\n");
    expect_stop(fd, "s", "T05thread:1;\n", CODE + 2);
    assert_in_range(vboard_reg(b, 0), 123, 124);
    place(fd, code, sizeof code);
    assert_string_equal(ask(fd, "P0=11000000"), "OK\n");
    expect_stop(fd, "s", "T05thread:1;\n", CODE + 2);
    assert_int_equal(vboard_reg(b, 0), 1);
    (void)close(fd);
}

/* More than one packet holds comes in pieces, each of it once. */
static void semihosting_says_much(void **state)
{
    static const uint16_t code[] = {0xbeab, 0xe7fe};
    char text[601], got[601];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('a' + i % 26);
    text[sizeof text - 1] = '\0';
    assert_true(vboard_poke(b, 0x20000400, text, sizeof text));
    int fd = dial();
    (void)monitor(fd, "arm semihosting enable");
    place(fd, code, sizeof code);
    assert_string_equal(ask(fd, "P0=04000000"), "OK\n"); /* SYS_WRITE0 */
    assert_string_equal(ask(fd, "P1=00040020"), "OK\n");
    say(fd, "s");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    for (const char *line = heard(fd); *line == 'O'; line += strcspn(line, "\n") + 1) {
        const char *hex = line + 1;
        size_t size = strcspn(hex, "\n") / 2;
        assert_in_range(size, 1, sizeof got - 1 - n);
        assert_true(packet_bytes(&hex, got + n, size));
        n += size;
    }
    got[n] = '\0';
    assert_string_equal(got, text);
    (void)close(fd);
}

#define ON_A_BOARD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_BOARD(memory), ON_A_BOARD(documents),        ON_A_BOARD(points),
        ON_A_BOARD(ranges), ON_A_BOARD(acknowledgements), ON_A_BOARD(resets),
        ON_A_BOARD(ends),   ON_A_BOARD(semihosting),      ON_A_BOARD(semihosting_says_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
