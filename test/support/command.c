/* See command.h. */
#include "command.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

/* ---- files ------------------------------------------------------------------------------- */

int temp_make(void **state)
{
    (void)state;
    text_copy(directory, sizeof directory, "/tmp/sureboot.XXXXXX");
    assert_non_null(mkdtemp(directory));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int temp_remove(void **state)
{
    (void)state;
    assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    return 0;
}

const char *temp(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    if (!directory[0])
        fail_msg("temp_make() comes first: %s would lie in /, where other tests are, too", name);
    char *path = paths[next++ % 8];
    assert_true(snprintf(path, sizeof paths[0], "%s/%s", directory, name) < (int)sizeof paths[0]);
    return path;
}

void file_write(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

void file_text(const char *path, const char *text)
{
    file_write(path, text, strlen(text));
}

char *file_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be read", path);
    char *text = NULL;
    size_t length = 0, room = 0;
    do {
        room = room * 2 + 4096;
        char *more = realloc(text, room + 1);
        if (more == NULL)
            free(text);
        assert_non_null(more);
        text = more;
        length += fread(text + length, 1, room - length, f);
    } while (length == room);
    assert_int_equal(fclose(f), 0);
    text[length] = '\0';
    if (size != NULL)
        *size = length;
    return text;
}

void text_copy(char *to, size_t size, const char *from)
{
    assert_true(strlen(from) < size);
    memcpy(to, from, strlen(from) + 1);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void file_wait(const char *path, const char *text)
{
    const struct timespec tick = {0, 5000000};
    for (int ticks = 0; ticks < 30 * 200; ticks++) {
        char *content = file_exists(path) ? file_read(path, NULL) : NULL;
        bool there = content != NULL && strstr(content, text) != NULL;
        free(content);
        if (there)
            return;
        (void)nanosleep(&tick, NULL);
    }
    fail_msg("%s: '%s' does not come", path, text);
}

/* ---- programs ---------------------------------------------------------------------------- */

static bool redirect(int to, const char *path, int flags)
{
    int fd = open(path, flags, 0644);
    return fd >= 0 && dup2(fd, to) == to;
}

/* It ends with this program at the latest, or each test that fails would leave a board running. */
static pid_t start(const char *const args[], const char *in, const char *out, const char *err)
{
    const int create = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    if (access(args[0], X_OK) != 0)
        fail_msg("%s cannot be started", args[0]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && redirect(0, in, O_RDONLY | O_CLOEXEC) &&
        redirect(1, out, create) && redirect(2, err, create))
        (void)execv(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

pid_t command_start(const char *const args[], const char *out, const char *err)
{
    return start(args, "/dev/null", out != NULL ? out : "/dev/null", err != NULL ? err : "/dev/null");
}

int command_wait(pid_t pid)
{
    const struct timespec tick = {0, 5000000};
    int status;
    for (int ticks = 0; ticks < 60 * 200; ticks++) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        assert_true(done >= 0);
        if (done == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        (void)nanosleep(&tick, NULL);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return -1;
}

struct command_result command(const char *const args[], const char *input)
{
    char in[256], out[256], err[256];
    struct command_result r;
    text_copy(in, sizeof in, temp(".in"));
    text_copy(out, sizeof out, temp(".out"));
    text_copy(err, sizeof err, temp(".err"));
    file_write(in, input != NULL ? input : "", input != NULL ? strlen(input) : 0);
    r.status = command_wait(start(args, in, out, err));
    r.out = file_read(out, &r.out_size);
    r.err = file_read(err, NULL);
    assert_int_equal(unlink(in) | unlink(out) | unlink(err), 0);
    return r;
}

void command_result_free(struct command_result *r)
{
    free(r->out);
    free(r->err);
    *r = (struct command_result){0};
}

/* ---- JSON -------------------------------------------------------------------------------- */

cJSON *json_lines(const char *text)
{
    cJSON *lines = cJSON_CreateArray();
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        cJSON *object = cJSON_ParseWithLength(text, length);
        if (text[length] != '\n' || !cJSON_IsObject(object)) {
            cJSON_Delete(object);
            cJSON_Delete(lines);
            return NULL;
        }
        assert_true(cJSON_AddItemToArray(lines, object));
        text += length + 1;
    }
    return lines;
}

static bool matches(const cJSON *object, const char *key, const char *value)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL && strcmp(text, value) == 0;
}

const cJSON *json_find(const cJSON *lines, const char *key, const char *value, int n)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, lines)
    {
        if (matches(object, key, value) && n-- == 0)
            return object;
    }
    return NULL;
}

int json_count(const cJSON *lines, const char *key, const char *value)
{
    int n = 0;
    while (json_find(lines, key, value, n) != NULL)
        n++;
    return n;
}

double json_number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item))
        fail_msg("no number '%s'", key);
    return item->valuedouble;
}

const char *json_text(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    if (text == NULL)
        fail_msg("no string '%s'", key);
    return text;
}
