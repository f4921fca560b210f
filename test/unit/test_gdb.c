/* The gdb server against clients that are not gdb: packets of every wrong form, at the parser and at a
 * board over a socket. What gdb itself does with it is test/board/test_gdb.sh. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gdb/gdb.h"
#include "gdb/packet.h"
#include "vboard.h"

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

static struct vboard *b;
static struct gdb *g;
static char said[1024];

static void on_message(void *arg, const char *sentence)
{
    (void)arg;
    size_t n = strlen(said);
    (void)snprintf(said + n, sizeof said - n, "%s\n", sentence);
}

static int setup(void **state)
{
    /* stack, reset vector, b . */
    static const uint32_t image[] = {0x20001000, 0x08000009, 0xe7fee7fe};
    char error[128];
    (void)state;
    said[0] = '\0';
    b = vboard_create(&(struct vboard_config){.seed = 1});
    assert_non_null(b);
    assert_true(vboard_load_bytes(b, 0x08000000, image, sizeof image));
    vboard_power(b, true, true);
    (void)vboard_run(b, 1000000, NULL, NULL);
    g = gdb_open(b, &(struct gdb_config){.message = on_message}, error, sizeof error);
    assert_non_null(g);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gdb_close(g, 0);
    vboard_destroy(b);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(gdb_port(g))};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&there, sizeof there), 0);
    gdb_service(g);
    return fd;
}

static void say_bytes(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    (void)poll(NULL, 0, 1);
    gdb_service(g);
}

static void say(int fd, const char *data)
{
    static uint8_t out[PACKET_ROOM(PACKET_SIZE)];
    say_bytes(fd, out, packet_put(out, data, strlen(data)));
}

/* The packets that have come, without their frames, a line each; waits for the first, up to 5 s. */
static const char *heard(int fd)
{
    static char text[4 * PACKET_SIZE];
    static struct packet p;
    uint8_t bytes[4096];
    size_t n = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (unsigned tries = 0; tries < 500 && n == 0; tries++) {
        gdb_service(g);
        while (poll(&ready, 1, n == 0 ? 10 : 0) > 0) {
            ssize_t got = recv(fd, bytes, sizeof bytes, 0);
            if (got <= 0)
                break;
            for (ssize_t i = 0; i < got; i++)
                if (packet_take(&p, bytes[i]) == PACKET_DATA)
                    n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", p.data);
        }
    }
    text[n] = '\0';
    return text;
}

static const char *ask(int fd, const char *data)
{
    say(fd, data);
    return heard(fd);
}

static bool debugged(void)
{
    uint32_t dhcsr = vboard_peek32(b, 0xe000edf0);
    assert_int_equal(dhcsr >> 17 & 1, gdb_halted(g)); /* S_HALT */
    return dhcsr & 1;                                 /* C_DEBUGEN */
}

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

/* What a `monitor` command prints, and a last line for what comes behind its OK. */
static const char *monitor(int fd, const char *command)
{
    static char text[4 * PACKET_SIZE];
    char packet[600] = "qRcmd,", *at = text;
    packet_hex(packet + 6, command, strlen(command));
    say(fd, packet);
    bool answered = false;
    for (unsigned tries = 0; tries < 10 && !answered; tries++) {
        const char *line = heard(fd);
        for (size_t n; (n = strcspn(line, "\n")) > 0; line += n + 1) {
            const char *hex = line + 1;
            if (*line == 'O' && *hex != 'K' && packet_bytes(&hex, at, n / 2))
                at += n / 2;
            else if (n != 2 || memcmp(line, "OK", 2) != 0)
                at += snprintf(at, 80, "%.*s\n", (int)n, line);
            answered = answered || memcmp(line, "OK", 2) == 0;
        }
    }
    assert_true(answered);
    *at = '\0';
    return text;
}

static void words_of_other_servers(void **state)
{
    static const struct {
        const char *command, *answer; /* the beginning of it */
    } rows[] = {
        {"", "Unknown command"},
        {"nonsense", "Unknown command"},
        {"resethalt", "Unknown command"},
        {"help", "reset halt "},
        {"status", "The Cortex-M4 is halted at 0x08000008.\n"},
        {"mdw 0x08000000 3", "0x08000000: 20001000 08000009 e7fee7fe\n"},
        {"mdh 0x08000002", "0x08000002: 2000\n"},
        {"mdb 0x08000000 4", "0x08000000: 00 10 00 20\n"},
        {"MDB 134217732 1", "0x08000004: 09\n"},
        {"mdw", "ADDR [COUNT]\n"},
        {"mdw x", "x is no number"},
        {"mdw 0x100000000", "0x100000000 is no number"},
        {"mdw 0x08000001", "Up to 1024 at a time, at a multiple of 4"},
        {"mdw 0x08000000 1025", "Up to 1024"},
        {"mdw 0x2000fffc 2", "0x2000fffc: "},
        {"mdw 0x60000000", "There is nothing at 0x60000000.\n"},
        {"mww 0x20000010 0x11223344 2", ""},
        {"mwb 0x20000013 0x55", ""},
        {"mwh 0x20000014 0x6677", ""},
        {"mdw 0x20000010 2", "0x20000010: 55223344 11226677\n"},
        {"mwb 0x20000010 0x100", "Up to 1024"},
        {"mww 0x20000010", "ADDR VALUE [COUNT]\n"},
        {"mww 0x08000000 1", "There is nothing at 0x08000000 that can be written so.\n"},
        {"reg pc", "pc: 0x08000008\n"},
        {"reg r3 0x1234", "r3: 0x00001234\n"},
        {"reg  R3 = 7", "r3: 0x00000007\n"},
        {"reg primask 256", "256 is no number of 8 bits.\n"},
        {"reg d1 0x1122334455667788", "d1: 0x1122334455667788\n"},
        {"reg r99", "There is no register r99"},
        {"reg", "r0: "},
        {"catch all", "HardFault, MemManage, BusFault and UsageFault stop with SIGSEGV"},
        {"catch hard", "HardFault stops with SIGSEGV before its handler.\n"},
        {"halt", ""},
        {"gdb_sync", "The next stepi does not step"},
        {"speed 4000", "Nothing to set up"},
        {"init", "Nothing to set up"},
        {"clrbp", "Nothing to set up"},
        {"SWO EnableTarget 0 0 1 0", "What the program prints to port 0 of the ITM"},
        {"tpiu config disable", "What the program prints"},
        {"rtt setup 0x20000000 16 {SEGGER RTT}", "SEGGER RTT is not read"},
        {"arm semihosting_fileio enable", "Semihosting is served"},
        {"semihosting IOClient 1", "Semihosting is served"},
        {"flash write_image erase a.bin 0x08000000", "Flash is 128 pages"},
        {"program a.elf verify", "gdb does that"},
        {"flash erase_sector 0 1 128", "Not erased"},
        {"flash erase_sector 1 0 0", "Not erased"},
        {"flash erase_sector 0 2 1", "Not erased"},
        {"flash erase_sector 0 1 last", "Pages 1 to 127 are erased.\n"},
        {"mdb 0x08000000", "0x08000000: 00\n"},
        {"stm32l4x mass_erase 0", "Pages 0 to 127 are erased.\n"},
        {"mdw 0x08000000 1", "0x08000000: ffffffff\n"},
        {"shutdown", "gdb leaves by detach"},
    };
    (void)state;
    char text[300];
    int fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *answer = monitor(fd, rows[i].command);
        if (strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0 ||
            (rows[i].answer[0] == '\0' && rows[i].command[0] != '\0' && answer[0] != '\0'))
            fail_msg("%s: %s, not %s", rows[i].command, answer, rows[i].answer);
    }
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_non_null(strstr(monitor(fd, text), "up to 255 characters"));
    (void)close(fd);
}

static void words_that_let_it_run(void **state)
{
    (void)state;
    int fd = dial();
    /* OpenOCD's way to tell gdb of a halt that it does not know: a step that is none */
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n"); /* where no instruction could be executed */
    (void)monitor(fd, "gdb_sync");
    assert_string_equal(ask(fd, "vCont;s"), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000100\n");
    /* resume, and halt behind gdb's back */
    assert_non_null(strstr(monitor(fd, "resume 0x08000008"), "The board runs"));
    assert_false(gdb_halted(g));
    (void)vboard_run(b, 1000, NULL, NULL);
    assert_string_equal(monitor(fd, "status"), "The Cortex-M4 runs.\n");
    assert_string_equal(monitor(fd, "halt"), "");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x08000008\n");
    /* while gdb waits for a stop: it goes on waiting, or is told */
    say(fd, "vCont;c");
    assert_non_null(strstr(monitor(fd, "reset"), "is reset and runs"));
    assert_false(gdb_halted(g));
    assert_string_equal(monitor(fd, "halt"), "T05thread:1;\n");
    assert_true(gdb_halted(g));
    (void)close(fd);
}

/* BKPT 0xAB is served, and when it was stepped the step ends behind it. */
static void semihosting_is_stepped(void **state)
{
    static const uint16_t code[] = {0xbeab, 0xe7fe};
    (void)state;
    assert_true(vboard_poke(b, 0x20000100, code, sizeof code));
    assert_true(vboard_poke(b, 0x20000200, "hi", 3));
    int fd = dial();
    (void)monitor(fd, "arm semihosting enable");
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    assert_string_equal(ask(fd, "P0=04000000"), "OK\n"); /* SYS_WRITE0 */
    assert_string_equal(ask(fd, "P1=00020020"), "OK\n");
    say(fd, "vCont;s");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    const char *answer = heard(fd);
    assert_string_equal(answer, "O6869\nT05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000102\n");
    /* one step over several instructions, as `next` makes it */
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    assert_string_equal(ask(fd, "P0=04000000"), "OK\n");
    say(fd, "vCont;r20000100,20000102");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_false(gdb_halted(g));
    assert_string_equal(heard(fd), "O6869\n");
    (void)close(fd);
}

/* Going on is behind it, also when gdb leaves: without one it would be a HardFault. */
static void a_bkpt_is_left_behind(void **state)
{
    static const uint16_t code[] = {0xbe07, 0xbe08, 0xe7fe};
    (void)state;
    assert_true(vboard_poke(b, 0x20000100, code, sizeof code));
    int fd = dial();
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    say(fd, "c");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000100\n");
    assert_string_equal(ask(fd, "s"), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000102\n");
    say(fd, "c"); /* the second one was not met yet */
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000102\n");
    assert_string_equal(ask(fd, "D"), "OK\n");
    assert_int_equal(vboard_run(b, 1000000, NULL, NULL), VB_TIME);
    assert_int_equal(vboard_reg(b, 15), 0x20000104);
    (void)close(fd);
}

static void one_debugs_and_the_others_read(void **state)
{
    static const char *const not_theirs[] = {"M20000000,1:12",
                                             "X20000000,1:x",
                                             "P0=12345678",
                                             "G00",
                                             "c",
                                             "s",
                                             "vCont;c",
                                             "Z0,8000008,2",
                                             "z0,8000008,2",
                                             "vFlashDone",
                                             "vAttach;1",
                                             "vRun;",
                                             "vFlashErase:8000000,800"};
    uint32_t value = 0x11223344;
    (void)state;
    int fd = dial();
    assert_string_equal(ask(fd, "QStartNoAckMode"), "OK\n");
    assert_string_equal(ask(fd, "?"), "T05thread:1;\n");
    /* while it runs only an interruption is heard from who debugs */
    say(fd, "vCont;c");
    assert_false(gdb_halted(g));
    assert_string_equal(ask(fd, "g"), "E01\n");
    int other = dial();
    assert_non_null(strstr(ask(other, "qSupported:multiprocess+"), "PacketSize"));
    assert_non_null(strstr(said, "may read, for 127.0.0.1:"));
    assert_string_equal(ask(other, "!"), "OK\n");
    assert_string_equal(ask(other, "?"), "T05thread:1;\n");
    assert_true(vboard_poke(b, 0x20000000, &value, sizeof value));
    assert_string_equal(ask(other, "m20000000,4"), "44332211\n");
    value++;
    (void)vboard_run(b, 1000000, NULL, NULL);
    assert_true(vboard_poke(b, 0x20000000, &value, sizeof value));
    assert_string_equal(ask(other, "m20000000,4"), "45332211\n");
    assert_string_equal(ask(other, "pf"), "08000008\n");
    assert_in_range(strlen(ask(other, "g")), 300, 500);
    for (size_t i = 0; i < sizeof not_theirs / sizeof not_theirs[0]; i++)
        assert_string_equal(ask(other, not_theirs[i]),
                            "E.this connection only reads, for another gdb had the board when it came\n");
    assert_non_null(strstr(monitor(other, "reset halt"), "Not done"));
    assert_non_null(strstr(monitor(other, "reg r0 1"), "Not done"));
    assert_string_equal(monitor(other, "mdw 0x20000000"), "0x20000000: 11223345\n");
    say_bytes(other, "\003", 1);
    assert_false(gdb_halted(g));
    assert_string_equal(ask(other, "vKill;1"), "OK\n");
    assert_string_equal(ask(other, "D"), "OK\n"); /* extended: it stays */
    assert_false(gdb_halted(g));
    assert_true(debugged());
    /* nothing of that was sent to who debugs */
    say_bytes(fd, "\003", 1);
    assert_string_equal(heard(fd), "T02thread:1;\n");
    assert_true(gdb_halted(g));
    /* four at most, and who never said anything makes room */
    int third = dial(), fourth = dial(), fifth = dial();
    assert_string_equal(ask(third, "qC"), "QC1\n");
    assert_string_equal(ask(fifth, "qC"), "QC1\n");
    char byte;
    assert_int_equal(recv(fourth, &byte, 1, 0), 0);
    int sixth = dial();
    assert_int_equal(recv(sixth, &byte, 1, 0), 0);
    assert_non_null(strstr(said, "was refused: there are 4 already"));
    (void)close(third);
    assert_string_equal(ask(fifth, "D"), "OK\n");
    assert_int_equal(recv(fifth, &byte, 1, 0), 0);
    assert_true(gdb_halted(g));
    assert_string_equal(ask(fd, "D"), "OK\n");
    assert_false(gdb_halted(g) || debugged());
    /* who only read goes on reading when the other is gone, without halting the board */
    assert_string_equal(ask(other, "m20000000,1"), "45\n");
    assert_false(gdb_halted(g) || debugged());
    (void)close(fd);
    (void)close(other);
    (void)close(fourth);
    (void)close(fifth);
    (void)close(sixth);
}

/* After `target extended-remote` gdb keeps the connection, to attach or run again. */
static void one_that_detaches_and_stays(void **state)
{
    (void)state;
    int fd = dial();
    assert_string_equal(ask(fd, "!"), "OK\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(ask(fd, "Z0,8000008,2"), "OK\n");
        assert_string_equal(ask(fd, "D;1"), "OK\n");
        assert_false(gdb_halted(g) || debugged());
        assert_int_equal(vboard_run(b, 1000000, NULL, NULL), VB_TIME); /* the breakpoint is gone */
        assert_string_equal(ask(fd, i == 0 ? "vAttach;1" : "vRun;"), "T05thread:1;\n");
        assert_true(gdb_halted(g) && debugged());
    }
    assert_string_equal(ask(fd, "D"), "OK\n");
    int other = dial(); /* meanwhile another has it */
    assert_string_equal(ask(other, "?"), "T05thread:1;\n");
    assert_true(gdb_halted(g));
    assert_non_null(strstr(ask(fd, "vAttach;1"), "E."));
    assert_non_null(strstr(ask(fd, "vRun;"), "E."));
    (void)close(fd);
    gdb_service(g);
    assert_true(gdb_halted(g));
    (void)close(other);
    gdb_service(g);
    assert_false(gdb_halted(g) || debugged());
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

/* Any packet of the right form with anything in it: nothing breaks, the server goes on answering. */
static void random_packets(void **state)
{
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
                                         "c"};
    static const char digits[] = "0123456789abcdef,:;=";
    static uint8_t out[PACKET_ROOM(256)];
    (void)state;
    srand(7);
    int fd = dial();
    for (unsigned round = 0; round < 20000; round++) {
        char data[96];
        size_t n = (size_t)snprintf(data, sizeof data, "%s",
                                    begins[(unsigned)rand() % (sizeof begins / sizeof begins[0])]);
        for (unsigned k = (unsigned)rand() % 24; k > 0; k--)
            data[n++] = rand() % 8 ? digits[(unsigned)rand() % (sizeof digits - 1)] : (char)rand();
        assert_true(send(fd, out, packet_put(out, data, n), MSG_NOSIGNAL) > 0);
        gdb_service(g);
        if (round % 64 == 0)
            say_bytes(fd, "\003", 1);
        while (recv(fd, out, sizeof out, MSG_DONTWAIT) > 0)
            ;
    }
    say_bytes(fd, "\003", 1);
    say(fd, "qC");
    assert_non_null(strstr(heard(fd), "QC1\n"));
    (void)close(fd);
}

int main(void)
{
#define ON_BOARD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_taken_apart),
        cmocka_unit_test(packets_come_back_as_they_went),
        ON_BOARD(rubbish_does_nothing),
        ON_BOARD(wrong_packets_are_answered),
        ON_BOARD(tables_have_an_end),
        ON_BOARD(words_of_other_servers),
        ON_BOARD(words_that_let_it_run),
        ON_BOARD(semihosting_is_stepped),
        ON_BOARD(a_bkpt_is_left_behind),
        ON_BOARD(one_debugs_and_the_others_read),
        ON_BOARD(one_that_detaches_and_stays),
        ON_BOARD(a_reader_who_does_not_read),
        ON_BOARD(a_flood_of_work),
        ON_BOARD(random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
