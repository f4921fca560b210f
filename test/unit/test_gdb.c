/* The gdb server against clients that are not gdb: packets of every wrong form, at the parser and at a
 * board over a socket. What gdb itself does with it is test/board/test_gdb.sh. */
#include "gdb_rig.h"

/* ---- packets ----------------------------------------------------------------------------- */

static struct packet parser;

static enum packet_event feed(const char *bytes, size_t size)
{
    enum packet_event last = PACKET_NONE;
    for (size_t i = 0; i < size; i++) {
        enum packet_event e = packet_take(&parser, (uint8_t)bytes[i]);
        last = e != PACKET_NONE ? e : last;
    }
    return last;
}
#define FEED(literal) feed(literal, sizeof(literal) - 1)

static void packets_are_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(FEED("$OK#9a"), PACKET_DATA);
    assert_string_equal(parser.data, "OK");
    assert_int_equal(FEED("+++rubbish$OK#9A"), PACKET_DATA);
    assert_int_equal(FEED("$#00"), PACKET_DATA);
    assert_int_equal(parser.size, 0);
    assert_int_equal(FEED("\003"), PACKET_BREAK);
    assert_int_equal(FEED("$a}\003b#e7"), PACKET_WRONG); /* the sum is that of the bytes as they come */
    assert_int_equal(FEED("$a}\003b#43"), PACKET_DATA);
    assert_memory_equal(parser.data, "a#b", 3);
    /* wrong sums, digits that are none, an escape of nothing, a packet cut off by the next */
    assert_int_equal(FEED("$OK#9b"), PACKET_WRONG);
    assert_int_equal(FEED("$OK#9g"), PACKET_WRONG);
    assert_int_equal(FEED("$OK#xa"), PACKET_WRONG);
    assert_int_equal(FEED("$OK}#17"), PACKET_WRONG);
    assert_int_equal(FEED("$m0,4$OK#9a"), PACKET_DATA);
    assert_string_equal(parser.data, "OK");
    /* one byte too many */
    static char large[PACKET_SIZE + 2];
    memset(large, 'x', sizeof large);
    assert_int_equal(FEED("$"), PACKET_NONE);
    assert_int_equal(feed(large, PACKET_SIZE + 1), PACKET_NONE);
    char end[4];
    (void)snprintf(end, sizeof end, "#%02x", (uint8_t)('x' * (PACKET_SIZE + 1)));
    assert_int_equal(feed(end, 3), PACKET_WRONG);
}

static void packets_come_back_as_they_went(void **state)
{
    static uint8_t bytes[512], out[PACKET_ROOM(sizeof bytes)];
    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    size_t n = packet_put(out, bytes, sizeof bytes);
    assert_in_range(n, sizeof bytes, sizeof out);
    assert_int_equal(feed((const char *)out, n), PACKET_DATA);
    assert_int_equal(parser.size, sizeof bytes);
    assert_memory_equal(parser.data, bytes, sizeof bytes);
}

/* ---- a board ----------------------------------------------------------------------------- */

static void rubbish_does_nothing(void **state)
{
    (void)state;
    int fd = dial();
    say_bytes(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n\003\003", 30);
    say_bytes(fd, "$m0,4#00$", 9);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t bytes[16];
        for (unsigned k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)rand();
        if (memchr(bytes, '#', sizeof bytes) == NULL)
            assert_int_equal(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
    }
    gdb_service(g);
    assert_false(gdb_halted(g));
    assert_false(debugged());
    /* and a gdb gets in, although the other is still there */
    int other = dial();
    assert_string_equal(ask(other, "?"), "T05thread:1;\n");
    assert_true(gdb_halted(g) && debugged());
    (void)close(fd);
    (void)close(other);
    gdb_service(g);
    assert_false(gdb_halted(g) || debugged());
}

static void wrong_packets_are_answered(void **state)
{
    static const struct {
        const char *ask, *answer;
    } rows[] = {
        {"", "\n"},
        {"vMustReplyEmpty", "\n"},
        {"qXfer:features:read:other.xml:0,10", "\n"},
        {"qXfer:features:read:target.xml:0", "E01\n"},
        {"qXfer:features:read:target.xml:ffffffff,ffffffff", "l\n"},
        {"qXfer:memory-map:read::x,1", "E01\n"},
        {"m", "E01\n"},
        {"m0", "E01\n"},
        {"m0,", "E01\n"},
        {"m,4", "E01\n"},
        {"m0,4x", "E01\n"},
        {"m123456789,4", "E01\n"},
        {"mffffffff,4", "E01\n"},
        {"m60000000,4", "E0e\n"},
        {"mffffffff,1", "E0e\n"},
        {"m20000000,0", "\n"},
        {"M20000000,4:1234", "E01\n"},
        {"M20000000,4:123456zz", "E01\n"},
        {"M20000000,ffffffff:12", "E01\n"},
        {"M20000000,2:1234", "OK\n"},
        {"M8000000,4:12345678", "E0e\n"},
        {"M60000000,1:12", "E0e\n"},
        {"M20000000", "E01\n"},
        {"X20000000,5:abc", "E01\n"},
        {"X20000000,3:abc", "OK\n"},
        {"X2000fffe,4:abcd", "E0e\n"},
        {"pff", "E01\n"},
        {"p", "E01\n"},
        {"P0", "E01\n"},
        {"P0=1234", "E01\n"},
        {"P0=123456789", "E01\n"},
        {"Pff=12345678", "E01\n"},
        {"P0=78563412", "OK\n"},
        {"p0", "78563412\n"},
        {"G12", "E01\n"},
        {"c20000000x", "E01\n"},
        {"vCont;", "E01\n"},
        {"vCont;t", "E01\n"},
        {"vCont;r8000000", "E01\n"},
        {"Z", "E01\n"},
        {"Z0,", "E01\n"},
        {"Z0,8000000", "E01\n"},
        {"Z2,20000000,0", "E01\n"},
        {"Z2,ffffffff,8", "E01\n"},
        {"Z9,20000000,4", "\n"},
        {"z0,8000000,2", "OK\n"},
        {"z2,20000000,4", "OK\n"},
        {"vFlashErase:8000001,800", "E0e\n"},
        {"vFlashErase:8000000,1", "E0e\n"},
        {"vFlashErase:8040000,800", "E0e\n"},
        {"vFlashErase:803f800,1000", "E0e\n"},
        {"vFlashErase:20000000,800", "E0e\n"},
        {"vFlashErase:x", "E01\n"},
        {"vFlashWrite:8000000", "E01\n"},
        {"vFlashWrite:20000000:ab", "E.memtype\n"},
        {"vFlashWrite:803ffff:ab", "E.memtype\n"},
        {"vFlashWrite:8000000:abcdefgh", "OK\n"},
        {"vFlashDone", "E0e\n"}, /* not erased before */
        {"vFlashDone", "OK\n"},  /* and nothing is left of it */
        {"qCRC:60000000,4", "E0e\n"},
        {"qCRC:8000000", "E01\n"},
        {"?", "T05thread:1;\n"},
    };
    (void)state;
    int fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *answer = ask(fd, rows[i].ask);
        if (strcmp(answer, rows[i].answer) != 0)
            fail_msg("%s: %s, not %s", rows[i].ask, answer, rows[i].answer);
    }
    assert_int_equal(vboard_peek32(b, 0x08000000), 0x20001000);
    assert_non_null(strstr(ask(fd, "qRcmd,zz"), "OK\n"));
    assert_non_null(strstr(ask(fd, "qRcmd,6"), "OK\n"));
    (void)close(fd);
}

static void tables_have_an_end(void **state)
{
    char text[32];
    (void)state;
    int fd = dial();
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(text, sizeof text, "Z0,%x,2", 0x08000100 + 2 * i);
        assert_string_equal(ask(fd, text), i < 32 ? "OK\n" : "E1c\n");
    }
    for (unsigned i = 0; i < 12; i++) {
        (void)snprintf(text, sizeof text, "Z2,%x,4", 0x20000100 + 4 * i);
        assert_string_equal(ask(fd, text), i < 8 ? "OK\n" : "E1c\n");
    }
    (void)close(fd);
}

static void a_reader_who_does_not_read(void **state)
{
    (void)state;
    int fd = dial();
    uint8_t out[32];
    size_t n = packet_put(out, "m20000000,1f00", 14);
    for (unsigned i = 0; i < 20000 && strstr(said, "does not read") == NULL; i++) {
        (void)send(fd, out, n, MSG_NOSIGNAL | MSG_DONTWAIT); /* full now and then */
        gdb_service(g);
    }
    assert_non_null(strstr(said, "does not read its answers"));
    assert_false(gdb_halted(g));
    (void)close(fd);
}

/* What a chip would do and this one does not is told. */
static void a_chip_that_is_protected(void **state)
{
    static const uint8_t level1[] = {0xBB, 0xF8, 0xEF, 0xFF, 0x44, 0x07, 0x10, 0x00};
    int fd = dial();
    (void)state;
    assert_string_equal(ask(fd, "qC"), "QC1\n");
    assert_null(strstr(said, "RDP"));
    assert_string_equal(ask(fd, "D"), "OK\n");
    (void)close(fd);
    vboard_power(b, false, true);
    assert_true(vboard_load_bytes(b, 0x1FFF7800, level1, sizeof level1));
    vboard_power(b, true, true);
    (void)vboard_run(b, 1000000, NULL, NULL);
    fd = dial();
    assert_string_equal(ask(fd, "qC"), "QC1\n");
    assert_non_null(strstr(said, "read protection (RDP) is on"));
    (void)close(fd);
}

/* Packets that are much work do not all have their turn at once: others wait. */
static void a_flood_of_work(void **state)
{
    enum { PACKETS = 1500 };
    static uint8_t out[PACKETS * 32];
    size_t n = 0;
    int fd = dial();
    (void)state;
    assert_string_equal(ask(fd, "qC"), "QC1\n");
    for (unsigned i = 0; i < PACKETS; i++)
        n += packet_put(out + n, "qCRC:8000000,40000", 18);
    say_bytes(fd, out, n);
    unsigned answers = 0;
    ssize_t got;
    while ((got = recv(fd, out, sizeof out, MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i < got; i++)
            answers += out[i] == '$';
    assert_in_range(answers, 1, PACKETS / 4);
    (void)close(fd);
}

/* Any packet of the right form with anything in it, of three clients, while the board runs or is halted:
 * nothing breaks, the server goes on answering. */
static void random_packets(void **state)
{
    enum { CLIENTS = 3 };
    static const char *const begins[] = {"m",
                                         "M",
                                         "X",
                                         "P",
                                         "p",
                                         "G",
                                         "Z0,",
                                         "Z2,",
                                         "vCont",
                                         "vFlashErase:",
                                         "vFlashWrite:",
                                         "qXfer:",
                                         "qRcmd,",
                                         "qCRC:",
                                         "vCont;r",
                                         "H",
                                         "v",
                                         "q",
                                         "Q",
                                         "z",
                                         "c",
                                         "s",
                                         "D",
                                         "!",
                                         "?",
                                         "g",
                                         "k",
                                         "vRun;",
                                         "vAttach;"};
    static const char *const words[] = {"mdw 0x",     "mwb 0x2000", "reg ",
                                        "halt",       "resume",     "gdb_sync",
                                        "reset halt", "reset",      "flash erase_sector 0 ",
                                        "catch all"};
    static const char digits[] = "0123456789abcdef,:;=";
    static uint8_t out[PACKET_ROOM(256)];
    int fds[CLIENTS] = {-1, -1, -1};
    (void)state;
    srand(7);
    for (unsigned round = 0; round < 30000; round++) {
        int *fd = &fds[(unsigned)rand() % CLIENTS];
        if (*fd < 0)
            *fd = dial();
        char data[96];
        size_t n;
        if (rand() % 8 == 0) {
            const char *word = words[(unsigned)rand() % (sizeof words / sizeof words[0])];
            n = (size_t)snprintf(data, sizeof data, "qRcmd,");
            packet_hex(data + n, word, strlen(word));
            n += 2 * strlen(word);
        } else {
            n = (size_t)snprintf(data, sizeof data, "%s",
                                 begins[(unsigned)rand() % (sizeof begins / sizeof begins[0])]);
        }
        for (unsigned k = (unsigned)rand() % 24; k > 0; k--)
            data[n++] = rand() % 8 ? digits[(unsigned)rand() % (sizeof digits - 1)] : (char)rand();
        ssize_t size = send(*fd, out, packet_put(out, data, n), MSG_NOSIGNAL);
        if (size > 0 && round % 64 == 0)
            (void)send(*fd, "\003", 1, MSG_NOSIGNAL);
        gdb_service(g);
        if (!gdb_halted(g))
            (void)gdb_stopped(g, vboard_run(b, 1000, NULL, NULL));
        ssize_t got = 0;
        for (unsigned i = 0; i < CLIENTS; i++)
            while (fds[i] >= 0 && (got = recv(fds[i], out, sizeof out, MSG_DONTWAIT)) >= 0) {
                if (got > 0)
                    continue;
                (void)close(fds[i]); /* it was sent away */
                fds[i] = -1;
            }
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    gdb_service(g);
    int fd = dial();
    assert_string_equal(ask(fd, "?"), "T05thread:1;\n");
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_taken_apart),
        cmocka_unit_test(packets_come_back_as_they_went),
        ON_BOARD(rubbish_does_nothing),
        ON_BOARD(wrong_packets_are_answered),
        ON_BOARD(tables_have_an_end),
        ON_BOARD(a_reader_who_does_not_read),
        ON_BOARD(a_chip_that_is_protected),
        ON_BOARD(a_flood_of_work),
        ON_BOARD(random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
