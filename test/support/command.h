/* Runs a program of this repository as a user would, and reads what it printed. */
#ifndef TEST_SUPPORT_COMMAND_H
#define TEST_SUPPORT_COMMAND_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { COMMAND_ARGS = 40 };

struct command_result {
    int status; /* exit status; 128 + signal; -1: did not end in 60 s and was killed */
    char *out, *err;
    size_t out_size;
};

/* args: words, NULL at the end. input: standard input, NULL: empty. */
struct command_result command(const char *const args[], const char *input);
void command_result_free(struct command_result *r);

/* Starts it and returns at once; output goes to the files (NULL: /dev/null). */
pid_t command_start(const char *const args[], const char *out, const char *err);
/* As command_result.status. */
int command_wait(pid_t pid);

/* One JSON object a line, as an array; NULL if a line is not JSON. Free with cJSON_Delete. */
cJSON *json_lines(const char *text);
/* The n-th (0…) object of `lines` with "event" (or any key) equal to a string; NULL: none. */
const cJSON *json_find(const cJSON *lines, const char *key, const char *value, int n);
int json_count(const cJSON *lines, const char *key, const char *value);
double json_number(const cJSON *object, const char *key); /* fails the test if there is none */
const char *json_text(const cJSON *object, const char *key);

/* A directory of this test, removed with all in it by temp_remove; and a path in it (the last eight stay
 * good). The two are fixtures of cmocka: they take no state, NULL will do, and return 0. */
int temp_make(void **state);
int temp_remove(void **state);
const char *temp(const char *name);
void file_write(const char *path, const void *bytes, size_t size);
void file_text(const char *path, const char *text);
char *file_read(const char *path, size_t *size); /* NUL behind it; fails the test if it cannot */
bool file_exists(const char *path);
void file_wait(const char *path, const char *text); /* until it is in the file; 30 s without fail the test */
void text_copy(char *to, size_t size, const char *from); /* fails the test if it does not fit */

#endif
