/* vboard's control socket: several clients, answers that come later, and clients that misbehave. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdbench.h"
#include "command.h"

static pid_t board;

static int setup(void **unused)
{
    (void)unused;
    (void)temp_make(NULL);
    const char *args[] = {VBOARD,      "--load",       BENCH_ELF, "--load",      bench_mode(BLINK),
                          "--control", temp("socket"), "--flash", temp("state"), NULL};
    board = command_start(args, temp("out"), temp("err"));
    return 0;
}

static int dial(void)
{
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    text_copy(there.sun_path, sizeof there.sun_path, temp("socket"));
    for (int i = 0; i < 1000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        if (connect(fd, (const struct sockaddr *)&there, sizeof there) == 0)
            return fd;
        assert_int_equal(close(fd), 0);
        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    fail_msg("nobody listens");
    return -1;
}

static void say(int fd, const char *line)
{
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

/* One line, within 10 s. */
static cJSON *hear(int fd)
{
    static char line[600000];
    size_t n = 0;
    do {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 10000) != 1 || n == sizeof line || read(fd, line + n, 1) != 1)
            fail_msg("no answer");
    } while (line[n++] != '\n');
    cJSON *answer = cJSON_ParseWithLength(line, n);
    assert_non_null(answer);
    return answer;
}

static bool heard_ok(int fd)
{
    cJSON *answer = hear(fd);
    bool result = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"));
    cJSON_Delete(answer);
    return result;
}

static void clients(void **unused)
{
    (void)unused;
    int a = dial(), b = dial();
    say(a, "regs\n");
    assert_true(heard_ok(a));
    say(b, "pee");
    say(a, "peek 0x08000000 262144\n");
    cJSON *large = hear(a);
    assert_int_equal(strlen(json_text(large, "hex")), 524288);
    cJSON_Delete(large);
    say(a, "peek 0x08000000 262145\n");
    assert_false(heard_ok(a));
    say(b, "k 0x08000000 4\n");
    assert_true(heard_ok(b));
    /* a time that is past: at once; a later one: then, and other commands are not kept waiting */
    say(a, "at 0 regs\nat 1.5 regs\nregs\n");
    assert_true(heard_ok(a));
    assert_true(heard_ok(a));
    cJSON *later = hear(a);
    assert_true(json_number(later, "t") >= 1.5e9);
    cJSON_Delete(later);
    /* half closed: the answer still comes, then the end */
    say(b, "at 1.6 regs\nregs");
    assert_int_equal(shutdown(b, SHUT_WR), 0);
    assert_true(heard_ok(b));
    assert_true(heard_ok(b));
    char end;
    assert_int_equal(read(b, &end, 1), 0);
    assert_int_equal(close(b), 0);
    say(a, "quit\n");
    assert_true(heard_ok(a));
    assert_int_equal(command_wait(board), 0);
    assert_int_equal(close(a), 0);
    assert_false(file_exists(temp("socket")));
    assert_true(file_exists(temp("state")));
}

static void hostile_clients(void **unused)
{
    (void)unused;
    static char junk[200000];
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)(i * 37 + i / 251);
    for (int i = 0; i < 12; i++) { /* rubbish, then gone; more of them than there is room for */
        int fd = dial();
        (void)!send(fd, junk, 5000 + (size_t)i * 100, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_int_equal(close(fd), 0);
    }
    int fd = dial();
    memset(junk, 'x', sizeof junk); /* a line without end, then an honest one */
    size_t sent = 0;
    while (sent < sizeof junk - 1) {
        ssize_t n = send(fd, junk + sent, sizeof junk - 1 - sent, MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    say(fd, "\nregs\n");
    assert_false(heard_ok(fd));
    assert_true(heard_ok(fd));
    assert_int_equal(send(fd, "regs\0x\nregs\n", 12, MSG_NOSIGNAL),
                     12); /* no text, whatever it begins with */
    assert_false(heard_ok(fd));
    assert_true(heard_ok(fd));
    /* asks much and reads nothing: dropped, and the board goes on */
    int deaf = dial();
    for (int i = 0; i < 200; i++)
        (void)!send(deaf, "peek 0x20000000 65536\n", 22, MSG_NOSIGNAL | MSG_DONTWAIT);
    say(fd, "regs\n");
    assert_true(heard_ok(fd));
    const struct timeval patience = {10, 0};
    assert_int_equal(setsockopt(deaf, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    size_t heard = 0;
    ssize_t n;
    while ((n = recv(deaf, junk, sizeof junk, 0)) > 0)
        heard += (size_t)n;
    assert_true(n == 0 || errno == ECONNRESET);
    assert_in_range(heard, 0, 8 << 20); /* of 26 MB */
    assert_int_equal(close(deaf), 0);
    assert_int_equal(kill(board, SIGTERM), 0);
    assert_int_equal(command_wait(board), 0);
    assert_int_equal(close(fd), 0);
    assert_false(file_exists(temp("socket")));
    assert_true(file_exists(temp("state")));
}

/* What a killed process leaves behind is no obstacle. */
/* A flood of commands keeps neither the board from running nor the run from ending, by its time or a signal.
 */
static void flood(void **unused)
{
    (void)unused;
    static const char *const ends[2][2] = {{"timeout -s KILL 60", "--fast --for 0.05"},
                                           {"timeout --preserve-status -k 60 1", ""}};
    (void)temp_make(NULL);
    for (unsigned i = 0; i < 2; i++) {
        char line[400];
        (void)snprintf(line, sizeof line, "yes regs | %s %s --load %s --load %s --control - %s >/dev/null",
                       ends[i][0], VBOARD, BENCH_ELF, bench_mode(BLINK), ends[i][1]);
        struct command_result r = command((const char *const[]){"/bin/sh", "-c", line, NULL}, NULL);
        assert_int_equal(r.status, 0);
        command_result_free(&r);
    }
}

/* A named pipe as standard input: its first writer ends, and the next ones are heard all the same. */
static void named_pipe(void **unused)
{
    (void)unused;
    (void)temp_make(NULL);
    char line[800];
    (void)snprintf(line, sizeof line,
                   "mkfifo %s; %s --load %s --load %s --control - --for 5 <%s & "
                   "echo peek 0 4 >%s; sleep 0.3; echo peek 1 4 >%s; sleep 0.3; echo quit >%s; wait $!",
                   temp("pipe"), VBOARD, BENCH_ELF, bench_mode(BLINK), temp("pipe"), temp("pipe"),
                   temp("pipe"), temp("pipe"));
    struct command_result r = command((const char *const[]){"/bin/sh", "-c", line, NULL}, NULL);
    assert_int_equal(r.status, 0);
    cJSON *answers = json_lines(r.out);
    assert_int_equal(json_count(answers, "hex", "00ff0020"), 1);
    assert_int_equal(cJSON_GetArraySize(answers), 3);
    cJSON_Delete(answers);
    command_result_free(&r);
}

static void stale_socket(void **unused)
{
    (void)unused;
    assert_int_equal(close(dial()), 0);
    assert_int_equal(kill(board, SIGKILL), 0);
    assert_int_equal(command_wait(board), 128 + SIGKILL);
    assert_true(file_exists(temp("socket")));
    const char *args[] = {VBOARD,   "--control", temp("socket"), "--for",           "0.01",
                          "--load", BENCH_ELF,   "--load",       bench_mode(BLINK), NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    assert_false(file_exists(temp("socket")));
    command_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clients, setup, temp_remove),
        cmocka_unit_test_setup_teardown(hostile_clients, setup, temp_remove),
        cmocka_unit_test_teardown(flood, temp_remove),
        cmocka_unit_test_teardown(named_pipe, temp_remove),
        cmocka_unit_test_setup_teardown(stale_socket, setup, temp_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
