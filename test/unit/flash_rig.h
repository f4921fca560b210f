/* A PC and a board for `sureboot flash`: the command over a bus of made-up devices. Time is what pauses,
 * looks at the bus and requests take. */
#ifndef TEST_UNIT_FLASH_RIG_H
#define TEST_UNIT_FLASH_RIG_H

#include "cmocka_first.h"

#include "boot/core/dfu.h"
#include "commands.h"
#include "fakeusb.h"
#include <fcntl.h>
#include <libusb-1.0/libusb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define UID   "3B5200280F5733343637351E"
#define ST    "718935460F57" /* what ST's library makes of it */
#define OTHER "AAAAAAAA0F5733343637351E"

enum { SIZE = 5000, ANOTHER = 2 /* device */, FOREVER_MS = 10 * 60 * 1000 };

/* What is on the bus, one after the other: the board in DFU mode is device 0, its application 1. */
static struct {
    uint64_t now; /* ms */
    uint32_t look_ms, request_ms;
    uint64_t leaves, comes; /* when it leaves the bus, and who is next comes; 0: not by itself */
    unsigned next;
    enum { APPEARS, SILENT, BACK, STAYS } then; /* what comes of the start */
    unsigned crashes; /* so often the application leaves a second after it has come; then sureboot is back */
    bool deaf;        /* nothing comes of DETACH, or of the byte 0xAA */
    bool both;        /* another bootloader comes with the first */
    bool refuses_detach;
    int detach_error;
    bool busy, stuck, mute;  /* for ever; stays in its state; no sentences */
    bool half_status, odd;   /* five bytes for six; dfuUPLOAD-IDLE after a block */
    int refuses, lost, late; /* number of the block at which it does, or that comes too late; -1: never */
    uint32_t poll, pointer;
    const char *report;
    uint8_t state, message;
    uint16_t block;
    uint8_t flash[SIZE];
    uint32_t flashed;
    bool sealed;
    int port; /* the other end of the serial port, -1: none */
} w;

static struct sentence said;
static char out[4000]; /* what was printed */
static int before;     /* where standard output goes otherwise, while the command runs */
static struct findings found;
static bool readable, terminal;

#define REPORT(verdict)                                                                                      \
    "sureboot 1.0\nverdict: " verdict "\nin DFU by: verdict\nreset cause: 00000010\nunreadable: 00000000\n"  \
    "ledger: 00035B1E 00000001 00001388 00000000 00000000 00000000\n"

static int setup(void **state)
{
    (void)state;
    fake_usb_clear();
    memset(&w, 0, sizeof w);
    w.refuses = w.lost = w.late = w.port = -1;
    w.state = DFU_IDLE;
    w.poll = 1;
    w.report = REPORT("Not confirmed: three starts without sureboot_confirm(). Download a better one.");
    w.now = 1;
    memset(&found, 0, sizeof found);
    readable = true;
    terminal = false;
    fake_device[0] = (struct fake_device){false, "sureboot 1.0: ready", UID, .dfu_mode = true, .address = 1};
    fake_device[1] = (struct fake_device){false, "thermostat", UID, .run_time = true, .address = 2};
    fake_device[ANOTHER] = (struct fake_device){false, "sureboot 1.0: ready", OTHER, .dfu_mode = true};
    return 0;
}

/* ---- the world --------------------------------------------------------------------------- */

static void leave(uint64_t in_ms, uint64_t comes_in_ms, unsigned next)
{
    w.leaves = w.now + in_ms;
    w.comes = w.leaves + comes_in_ms;
    w.next = next;
}

static void pass(uint64_t ms)
{
    w.now += ms;
    if (w.now > FOREVER_MS) {
        (void)dup2(before, STDOUT_FILENO); /* run() does not come to that */
        fail_msg("it waits for ever");
    }
    if (w.leaves && w.now >= w.leaves) {
        fake_device[0].there = fake_device[1].there = false;
        w.leaves = 0;
    }
    if (!w.leaves && w.comes && w.now >= w.comes) {
        fake_device[w.next].there = true;
        fake_device[w.next].address += 10;
        fake_device[ANOTHER].there |= w.both;
        w.comes = 0;
        if (w.next == 1 && w.crashes > 0)
            leave(1000, 500, --w.crashes ? 1 : 0);
    }
}

/* Looks what has come at the serial port, too. */
void fake_look(void)
{
    uint8_t byte;
    struct termios t;
    pass(w.look_ms);
    if (w.port >= 0 && read(w.port, &byte, 1) == 1) {
        assert_int_equal(byte, 0xAA);
        assert_int_equal(tcgetattr(w.port, &t), 0);
        assert_int_equal(cfgetospeed(&t), B1200);
        assert_int_equal(t.c_cflag & (CLOCAL | HUPCL), CLOCAL | HUPCL);
        if (!w.deaf)
            leave(20, 300, 0);
    }
}

static int wrong(uint8_t message)
{
    w.state = DFU_ERROR;
    w.message = message;
    return LIBUSB_ERROR_PIPE;
}

static int becomes(enum dfu_state state, uint16_t size)
{
    if (!w.stuck)
        w.state = (uint8_t)state;
    return size;
}

static int on_dnload(uint16_t value, const uint8_t *data, uint16_t size)
{
    bool command = value == 0 && size == 5 && data[0] == DFUSE_SET_ADDRESS;
    if (w.state != DFU_IDLE && w.state != DFU_DNLOAD_IDLE)
        return wrong(DFU_STRING(MESSAGE_REQUEST));
    if (command)
        memcpy(&w.pointer, data + 1, sizeof w.pointer);
    if (command || size == 0)
        return becomes(command ? DFU_DNLOAD_SYNC : DFU_MANIFEST_SYNC, size);
    if ((int)value == w.lost) {
        fake_device[0].there = false;
        return LIBUSB_ERROR_NO_DEVICE;
    }
    if ((int)value == w.refuses)
        return wrong(w.message);
    if (value != w.block || w.flashed + size > sizeof w.flash)
        return wrong(DFU_STRING(MESSAGE_BLOCK));
    memcpy(w.flash + w.flashed, data, size);
    w.flashed += size;
    w.block++;
    becomes(DFU_DNLOAD_SYNC, size);
    return (int)value == w.late ? LIBUSB_ERROR_TIMEOUT : size;
}

/* Plain DFU 1.1: what came of it is told, and then it leaves. */
static void start(void)
{
    w.sealed = true;
    if (w.then != STAYS)
        leave(500, w.then == BACK ? 3000 : 1000, w.then == BACK ? 0 : 1);
    if (w.then == SILENT)
        w.comes = 0;
}

static int on_getstatus(uint8_t *data)
{
    if (w.state == DFU_MANIFEST_SYNC) {
        start();
        w.state = DFU_IDLE;
    } else if (w.state == DFU_DNLOAD_SYNC || (w.state == DFU_DNBUSY && w.busy)) {
        w.state = DFU_DNBUSY;
    } else if (w.state == DFU_DNBUSY) {
        w.state = w.odd ? DFU_UPLOAD_IDLE : DFU_DNLOAD_IDLE;
    }
    uint32_t poll = w.state == DFU_DNBUSY ? w.poll : 0;
    memcpy(data,
           (const uint8_t[]){0, (uint8_t)poll, (uint8_t)(poll >> 8), (uint8_t)(poll >> 16), w.state,
                             w.state == DFU_ERROR ? w.message : 0},
           DFU_STATUS_SIZE);
    return w.half_status ? DFU_STATUS_SIZE - 1 : DFU_STATUS_SIZE;
}

static int on_upload(uint16_t value, uint8_t *data, uint16_t size)
{
    size_t n = strlen(w.report);
    if (w.state != DFU_IDLE || value != 2 || w.pointer != DFU_REPORT_ADDR || size < n)
        return wrong(DFU_STRING(MESSAGE_REQUEST));
    memcpy(data, w.report, n);
    return (int)n;
}

static int on_detach(uint16_t value)
{
    assert_int_equal(value, 255); /* ms that the application may take */
    if (w.refuses_detach)
        return LIBUSB_ERROR_PIPE;
    if (!w.deaf)
        leave(20, 300, 0);
    return w.detach_error;
}

int fake_request(struct fake_device *d, uint8_t type, uint8_t request, uint16_t value, uint8_t *data,
                 uint16_t size)
{
    bool sends = request == DFU_REQ_GETSTATUS || request == DFU_REQ_UPLOAD;
    pass(w.request_ms);
    if (!d->there)
        return LIBUSB_ERROR_NO_DEVICE;
    assert_int_equal(type, sends ? 0xA1 : 0x21);
    if (d->run_time)
        return request == DFU_REQ_DETACH ? on_detach(value) : LIBUSB_ERROR_PIPE;
    switch (request) {
    case DFU_REQ_DNLOAD: return on_dnload(value, data, size);
    case DFU_REQ_UPLOAD: return on_upload(value, data, size);
    case DFU_REQ_GETSTATUS: return on_getstatus(data);
    case DFU_REQ_CLRSTATUS:
        return w.state == DFU_ERROR ? becomes(DFU_IDLE, 0) : wrong(DFU_STRING(MESSAGE_REQUEST));
    case DFU_REQ_ABORT: return w.state == DFU_ERROR ? LIBUSB_ERROR_PIPE : becomes(DFU_IDLE, 0);
    default: return wrong(DFU_STRING(MESSAGE_REQUEST));
    }
}

const char *fake_string(uint8_t index)
{
    return w.mute ? NULL : message_sentence((enum message)(index - DFU_STRING(0)));
}

/* ---- what it stands on ------------------------------------------------------------------- */

/* NOLINTBEGIN(readability-non-const-parameter): these have the types of what they stand for */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    (void)clock;
    *t = (struct timespec){.tv_sec = (time_t)(w.now / 1000), .tv_nsec = (long)(w.now % 1000) * 1000000};
    return 0;
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
    (void)left;
    pass((uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_nsec / 1000000);
    return 0;
}

int isatty(int fd)
{
    (void)fd;
    return terminal;
}

uint8_t *read_application(char *file, bool changed, uint32_t *size, struct findings *f, struct sentence *why)
{
    assert_string_equal(file, "a.elf");
    assert_false(changed);
    uint8_t *slot = readable ? malloc(SIZE) : NULL;
    *f = found;
    *size = SIZE;
    for (uint32_t i = 0; slot && i < SIZE; i++)
        slot[i] = (uint8_t)(i * 7);
    if (!slot)
        sentence_write(why, "it will not run");
    return slot;
}

void fill_in_info(uint8_t *slot, uint32_t size, struct findings *f)
{
    (void)f;
    slot[size - 1] = 0x5B; /* packed */
}

/* NOLINTEND(readability-non-const-parameter) */

int cannot(const struct sentence *why)
{
    said = *why;
    return EXIT_CANNOT;
}

/* ---- the command ------------------------------------------------------------------------- */

/* The exit status; `out`, `said` and how long it took. */
static uint64_t took;
static int run(const char *const words[])
{
    char *argv[8], text[8][64];
    int argc = 0;
    for (; words[argc]; argc++) {
        (void)snprintf(text[argc], sizeof text[argc], "%s", words[argc]);
        argv[argc] = text[argc];
    }
    said.text[0] = '\0';
    FILE *f = tmpfile();
    assert_non_null(f);
    (void)fflush(stdout);
    before = dup(STDOUT_FILENO);
    assert_true(before >= 0 && dup2(fileno(f), STDOUT_FILENO) >= 0);
    uint64_t start = w.now;
    int next = dup(before); /* what is free next, before and after */
    (void)close(next);
    int status = flash_command(argc, argv);
    took = w.now - start;
    int again = dup(before);
    (void)close(again);
    (void)fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    (void)close(before);
    rewind(f);
    out[fread(out, 1, sizeof out - 1, f)] = '\0';
    (void)fclose(f);
    assert_int_equal(fake_open, 0);
    assert_int_equal(again, next);
    return status;
}
#define RUN(...) run((const char *const[]){"flash", __VA_ARGS__, NULL})

static void is_flashed(void)
{
    assert_true(w.sealed);
    assert_int_equal(w.flashed, SIZE);
    for (uint32_t i = 0; i + 1 < SIZE; i++)
        assert_int_equal(w.flash[i], (uint8_t)(i * 7));
    assert_int_equal(w.flash[SIZE - 1], 0x5B);
}

static void ends(int status, int wanted, const char *sentence)
{
    if (status != wanted || strcmp(said.text, sentence) != 0)
        fail_msg("status %d, '%s', '%s'", status, said.text, out);
}

#endif
