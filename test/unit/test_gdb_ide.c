/* The gdb server as IDEs use it: monitor commands of other servers, several clients, stops that the program
 * makes. What gdb itself does with it is test/board/test_gdb.sh. */
#include "gdb_rig.h"

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
        {"mdb 0x08000000 32", "0x08000000: 00 10 00 20 09 00 00 08 fe e7 fe e7 ff ff ff ff "
                              "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff\n"},
        {"MDB 134217732 1", "0x08000004: 09\n"},
        {"mdw", "It takes ADDR [COUNT].\n"},
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
        {"mww 0x20000010", "It takes ADDR VALUE [COUNT].\n"},
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
        {"flash erase_sector 0 1", "BANK FIRST LAST\n"},
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
    assert_string_equal(ask(fd, "P0f=08000008"), "OK\n");
    say(fd, "vCont;s"); /* and only one */
    assert_false(gdb_halted(g));
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    /* resume, and halt behind gdb's back */
    (void)monitor(fd, "gdb_sync"); /* forgotten when it runs */
    assert_non_null(strstr(monitor(fd, "resume 0x08000008"), "The board runs"));
    assert_false(gdb_halted(g));
    (void)vboard_run(b, 1000, NULL, NULL);
    assert_string_equal(monitor(fd, "status"), "The Cortex-M4 runs.\n");
    assert_string_equal(monitor(fd, "halt"), "");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x08000008\n");
    say(fd, "vCont;s");
    assert_false(gdb_halted(g));
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
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
    assert_string_equal(ask(fd, "M20000102,2:08be"), "OK\n"); /* a BKPT behind it was not met yet */
    say(fd, "vCont;s");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000102\n");
    assert_string_equal(ask(fd, "M20000102,2:fee7"), "OK\n");
    /* one step over several instructions, as `next` makes it */
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    assert_string_equal(ask(fd, "P0=04000000"), "OK\n");
    say(fd, "vCont;r20000100,20000102");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_false(gdb_halted(g));
    assert_string_equal(heard(fd), "O6869\n");
    /* the end of the program is a stop like that of any BKPT */
    say_bytes(fd, "\003", 1);
    assert_string_equal(heard(fd), "T02thread:1;\n");
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    assert_string_equal(ask(fd, "P0=18000000"), "OK\n"); /* SYS_EXIT */
    say(fd, "vCont;c");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_non_null(
        strstr(heard(fd), "O5468652070726f6772616d2068617320656e646564")); /* The program has ended */
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000100\n");
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
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n"); /* nor that where gdb has put the PC */
    say(fd, "c");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000100\n");
    say(fd, "c");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(ask(fd, "M20000102,2:0130"),
                        "OK\n"); /* adds r0, #1: what is no BKPT any more is done */
    assert_string_equal(ask(fd, "P0=00000000"), "OK\n");
    say(fd, "s");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(monitor(fd, "reg r0"), "r0: 0x00000001\n");
    assert_string_equal(ask(fd, "P0f=00010020"), "OK\n");
    say(fd, "c");
    assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
    assert_string_equal(heard(fd), "T05thread:1;\n");
    assert_string_equal(ask(fd, "D"), "OK\n");
    assert_int_equal(vboard_run(b, 1000000, NULL, NULL), VB_TIME);
    assert_int_equal(vboard_reg(b, 15), 0x20000104);
    (void)close(fd);
}

/* Where gdb puts the PC the board runs, also when it was asleep: `print f(x)` works. */
static void a_new_pc_ends_sleep(void **state)
{
    static const uint16_t code[] = {0xbf30, 0x3001, 0xe7fc}; /* wfi, adds r0, #1, b back to wfi */
    static const struct {
        const char *scr, *lpms; /* of SCB_SCR, PWR_CR1 */
    } rows[] = {{"00", "00"}, {"04", "00"}, {"04", "01"}, {"04", "02"}};
    char text[64];
    (void)state;
    int fd = dial();
    assert_string_equal(ask(fd, "M40021058,4:00000010"), "OK\n"); /* RCC_APB1ENR1.PWREN */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(vboard_poke(b, 0x20000100, code, sizeof code));
        (void)snprintf(text, sizeof text, "M40007000,4:%s020000", rows[i].lpms);
        assert_string_equal(ask(fd, text), "OK\n");
        (void)snprintf(text, sizeof text, "Me000ed10,4:%s000000", rows[i].scr);
        assert_string_equal(ask(fd, text), "OK\n");
        assert_string_equal(ask(fd, "P0=00000000"), "OK\n");
        assert_string_equal(ask(fd, "Pf=00010020"), "OK\n");
        say(fd, "vCont;c");
        assert_int_equal(vboard_run(b, 1000000, NULL, NULL), VB_TIME);
        say_bytes(fd, "\003", 1);
        assert_string_equal(heard(fd), "T02thread:1;\n");
        assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000102\n");
        assert_string_equal(ask(fd, "Pf=04010020"), "OK\n");
        assert_string_equal(ask(fd, "Z0,20000100,2"), "OK\n");
        say(fd, "vCont;c");
        assert_true(gdb_stopped(g, vboard_run(b, 1000000, NULL, NULL)));
        assert_string_equal(heard(fd), "T05thread:1;\n");
        assert_string_equal(monitor(fd, "reg pc"), "pc: 0x20000100\n");
        assert_string_equal(ask(fd, "z0,20000100,2"), "OK\n");
        assert_non_null(strstr(monitor(fd, "reset halt"), "is reset and halted"));
        assert_string_equal(ask(fd, "M40021058,4:00000010"), "OK\n");
    }
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
    assert_string_equal(ask(other, "?"), "T05thread:1;\n"); /* a stop of its own */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOARD(words_of_other_servers),      ON_BOARD(words_that_let_it_run),
        ON_BOARD(semihosting_is_stepped),      ON_BOARD(a_bkpt_is_left_behind),
        ON_BOARD(a_new_pc_ends_sleep),         ON_BOARD(one_debugs_and_the_others_read),
        ON_BOARD(one_that_detaches_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
