/* See soft_device.h. */
#include "soft_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "chip/chip.h"
#include "vboard.h"

enum {
    USB = 0x40006800,
    CNTR = 0x40,
    ISTR = 0x44,
    DADDR = 0x4C,
    BTABLE = 0x50,
    BCDR = 0x58,
    PMA = 0x40006C00
};
enum { CTR_RX = 0x8000, DTOG_RX = 0x4000, SETUP = 0x800, CTR_TX = 0x80, DTOG_TX = 0x40 };
enum { STALL = 1, NAK, VALID };
static const ps_t poll_period = 20 * PS_PER_US;

struct soft_device {
    struct vboard *board;
    struct chip *c;
    unsigned packet0;
    struct soft_seen seen;
    const struct soft_class *k;
    uint8_t address, configuration;
    bool muted;
    /* control pipe */
    uint8_t setup[8];
    uint8_t out[4096], in[4096], stored[4096];
    unsigned out_at, out_length, in_at, in_length, stored_size;
    bool zero_packet, answer_due;
    ps_t answer_at;
    ps_t address_delay, address_at;
    /* loop */
    bool loop_full;
};

static unsigned rd(struct soft_device *d, unsigned off)
{
    uint32_t v = 0;
    assert_true(chip_bus_read(d->c, USB + off, 2, &v));
    return v;
}

static void wr(struct soft_device *d, unsigned off, unsigned v)
{
    assert_true(chip_bus_write(d->c, USB + off, 2, v));
}

static void pma_wr(struct soft_device *d, unsigned at, unsigned v)
{
    wr(d, 0x400 + at, v);
}

static unsigned pma_rd(struct soft_device *d, unsigned at)
{
    return rd(d, 0x400 + at);
}

/* Rows of the descriptor table: buffers of 64 bytes each. */
static unsigned tx_at(unsigned n)
{
    return 0x40 + 0x80 * n;
}

static unsigned rx_at(unsigned n)
{
    return 0x80 + 0x80 * n;
}

static void configure(struct soft_device *d, unsigned n, unsigned type, unsigned rx, unsigned tx)
{
    unsigned r = rd(d, 4 * n), want = type | n | rx << 12 | tx << 4;
    pma_wr(d, 8 * n, tx_at(n));
    pma_wr(d, 8 * n + 2, 0);
    pma_wr(d, 8 * n + 4, rx_at(n));
    pma_wr(d, 8 * n + 6, 0x8400);
    wr(d, 4 * n, ((r ^ want) & 0x7070) | (want & 0x70F) | 0x8080);
}

static void set_stat(struct soft_device *d, unsigned n, int rx, int tx)
{
    unsigned r = rd(d, 4 * n), v = (r & 0x70F) | 0x8080;
    if (rx >= 0)
        v |= (r ^ (unsigned)rx << 12) & 0x3000;
    if (tx >= 0)
        v |= (r ^ (unsigned)tx << 4) & 0x30;
    wr(d, 4 * n, v);
}

static unsigned take(struct soft_device *d, unsigned n, uint8_t *to)
{
    unsigned size = pma_rd(d, 8 * n + 6) & 0x3FF;
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(pma_rd(d, rx_at(n) + (i & ~1U)) >> (8 * (i & 1)));
    return size;
}

static void put(struct soft_device *d, unsigned n, const uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < size; i += 2)
        pma_wr(d, tx_at(n) + i, from[i] | (i + 1 < size ? (unsigned)from[i + 1] << 8 : 0U));
    pma_wr(d, 8 * n + 2, size);
}

/* ---- descriptors -------------------------------------------------------------------------- */

/* clang-format off */
static const uint8_t config_descriptor[] = {
    9, 2, 55, 0, 1, 1, 0, 0xC0, 50, /* configuration */
    9, 4, 0, 0, 3, 0xFF, 0, 0, 0,   /* interface */
    7, 5, 0x01, 2, 64, 0, 0,        /* bulk OUT */
    7, 5, 0x82, 2, 64, 0, 0,        /* bulk IN */
    7, 5, 0x83, 3, 8, 0, 5,         /* interrupt IN */
    9, 4, 0, 1, 1, 0xFF, 0, 0, 0,   /* alternate setting 1 */
    7, 5, 0x82, 2, 32, 0, 0         /* bulk IN, smaller */
};
/* clang-format on */
_Static_assert(sizeof config_descriptor == 55, "wTotalLength");

static unsigned string(struct soft_device *d, unsigned index)
{
    if (index == 0) {
        memcpy(d->in, "\4\3\x09\x04", 4);
        return 4;
    }
    for (unsigned i = 0; d->k->strings[i]; i++) {
        if (i + 1 != index)
            continue;
        unsigned n = (unsigned)strlen(d->k->strings[i]);
        d->in[0] = (uint8_t)(2 + 2 * n);
        d->in[1] = 3;
        for (unsigned j = 0; j < n; j++) {
            d->in[2 + 2 * j] = (uint8_t)d->k->strings[i][j];
            d->in[3 + 2 * j] = 0;
        }
        return 2 + 2 * n;
    }
    return 0;
}

static unsigned descriptor(struct soft_device *d, unsigned type, unsigned index)
{
    const uint8_t device[18] = {18,   1, 0, 2, 0xFF, 0, 0, (uint8_t)d->packet0, 0x34, 0x12, 0x78,
                                0x56, 0, 1, 0, 0,    0, 1};
    if (type == 1) {
        memcpy(d->in, device, sizeof device);
        return sizeof device;
    }
    if (type == 2 && index == 0 && d->k) {
        memcpy(d->in, d->k->config, d->k->config_size);
        return d->k->config_size;
    }
    if (type == 3 && d->k)
        return string(d, index);
    if (type == 2 && index == 0) {
        memcpy(d->in, config_descriptor, sizeof config_descriptor);
        return sizeof config_descriptor;
    }
    return 0;
}

/* ---- control pipe ------------------------------------------------------------------------- */

static void send_next(struct soft_device *d)
{
    unsigned left = d->in_length - d->in_at, size = left < d->packet0 ? left : d->packet0;
    put(d, 0, d->in + d->in_at, size);
    d->in_at += size;
    if (size < d->packet0)
        d->zero_packet = false;
    set_stat(d, 0, VALID, VALID); /* RX as well: a host may go to the status stage early */
}

static void answer(struct soft_device *d, unsigned size)
{
    unsigned wanted = d->setup[6] | (unsigned)d->setup[7] << 8;
    d->in_at = 0;
    d->in_length = size < wanted ? size : wanted;
    d->zero_packet = size < wanted && size % d->packet0 == 0;
    send_next(d);
}

static void acknowledge(struct soft_device *d)
{
    d->in_at = d->in_length = 0;
    d->zero_packet = false;
    put(d, 0, d->in, 0);
    set_stat(d, 0, -1, VALID);
}

static void refuse_request(struct soft_device *d)
{
    set_stat(d, 0, STALL, STALL);
}

static void set_configuration(struct soft_device *d, unsigned value)
{
    d->configuration = (uint8_t)value;
    d->seen.configured++;
    d->loop_full = false;
    configure(d, 1, 0x000, VALID, 0);
    configure(d, 2, 0x000, 0, NAK);
    configure(d, 3, 0x600, 0, NAK);
}

static void vendor_request(struct soft_device *d)
{
    unsigned value = d->setup[2] | (unsigned)d->setup[3] << 8;
    switch (d->setup[1]) {
    case SOFT_STORE:
        d->stored_size = d->out_length;
        memcpy(d->stored, d->out, d->out_length);
        acknowledge(d);
        break;
    case SOFT_FETCH:
        memcpy(d->in, d->stored, d->stored_size);
        answer(d, value < d->stored_size ? value : d->stored_size);
        break;
    case SOFT_NEVER: break;
    case SOFT_MUTE:
        d->muted = true;
        wr(d, DADDR, 0);
        break;
    case SOFT_FLOOD:
        d->setup[6] = 32;
        answer(d, 32);
        break;
    case SOFT_HALT:
        set_stat(d, 2, -1, STALL);
        acknowledge(d);
        break;
    case SOFT_FLIP:
        wr(d, 8, (rd(d, 8) & 0x70F) | 0x8080 | DTOG_TX);
        acknowledge(d);
        break;
    case SOFT_NAKS:
        d->answer_due = true;
        d->answer_at = chip_now(d->c) + value * PS_PER_MS;
        break;
    default: refuse_request(d);
    }
}

static void class_request(struct soft_device *d)
{
    int n = d->k->request(d->k->arg, d->setup, d->out, d->out_length, d->in);
    if (n < 0)
        refuse_request(d);
    else if (d->setup[0] & 0x80)
        answer(d, (unsigned)n);
    else
        acknowledge(d);
}

static void handle_request(struct soft_device *d)
{
    unsigned value = d->setup[2] | (unsigned)d->setup[3] << 8, size;
    bool standard = (d->setup[0] & 0x60) == 0;
    if (d->k && (!standard || (d->setup[0] == 1 && d->setup[1] == 11))) {
        class_request(d);
        return;
    }
    switch (d->setup[0] << 8 | d->setup[1]) {
    case 0x0005:
        d->address = (uint8_t)value;
        d->address_at = PS_NEVER;
        acknowledge(d);
        break;
    case 0x8006:
        size = descriptor(d, value >> 8, value & 0xFF);
        if (size)
            answer(d, size);
        else
            refuse_request(d);
        break;
    case 0x0009:
        set_configuration(d, value);
        acknowledge(d);
        break;
    case 0x010B:
        configure(d, 2, 0x000, 0, NAK);
        acknowledge(d);
        break;
    case 0x0201:
        if (d->setup[4] == 0x82)
            configure(d, 2, 0x000, 0, NAK);
        else
            configure(d, 1, 0x000, VALID, 0);
        acknowledge(d);
        break;
    default:
        if ((d->setup[0] & 0x60) == 0x40)
            vendor_request(d);
        else
            refuse_request(d);
    }
}

static void control_out(struct soft_device *d)
{
    bool setup = rd(d, 0) & SETUP;
    uint8_t packet[64] = {0};
    unsigned size = take(d, 0, packet);
    wr(d, 0, (rd(d, 0) & 0x70F) | CTR_TX); /* clear CTR_RX */
    if (setup) {
        unsigned length = packet[6] | (unsigned)packet[7] << 8;
        d->seen.setups++;
        memcpy(d->seen.last_setup, packet, 8);
        memcpy(d->setup, packet, 8);
        d->out_at = 0;
        d->out_length = packet[0] & 0x80 ? 0 : length;
        if (d->out_length > sizeof d->out)
            refuse_request(d);
        else if (d->out_length)
            set_stat(d, 0, VALID, -1);
        else
            handle_request(d);
        return;
    }
    if (d->out_at >= d->out_length)
        return; /* status stage of a control read */
    memcpy(d->out + d->out_at, packet, size);
    d->out_at += size;
    if (d->out_at < d->out_length)
        set_stat(d, 0, VALID, -1);
    else
        handle_request(d);
}

/* Behind the status stage of SET_ADDRESS. */
static void take_address(struct soft_device *d)
{
    if (!d->address || chip_now(d->c) < d->address_at)
        return;
    wr(d, DADDR, 0x80U | d->address);
    d->seen.address = d->address;
    d->address = 0;
}

static void control_in(struct soft_device *d)
{
    wr(d, 0, (rd(d, 0) & 0x70F) | CTR_RX); /* clear CTR_TX */
    d->address_at = chip_now(d->c) + d->address_delay;
    take_address(d);
    if (d->in_at < d->in_length || d->zero_packet)
        send_next(d);
}

/* ---- the loop that firmware would be ------------------------------------------------------ */

static void bus_reset(struct soft_device *d)
{
    d->seen.resets++;
    d->configuration = d->address = 0;
    d->answer_due = d->muted = false;
    wr(d, ISTR, (uint16_t)~0x400);
    wr(d, BTABLE, 0);
    configure(d, 0, 0x200, VALID, NAK);
    wr(d, DADDR, 0x80);
    if (d->k && d->k->reset)
        d->k->reset(d->k->arg);
}

static void loop(struct soft_device *d)
{
    uint8_t packet[64];
    if (rd(d, 8) & CTR_TX) {
        wr(d, 8, (rd(d, 8) & 0x70F) | CTR_RX);
        d->loop_full = false;
    }
    if (rd(d, 4) & CTR_RX && !d->loop_full && (rd(d, 8) & 0x30) == 0x20) {
        unsigned size = take(d, 1, packet);
        wr(d, 4, (rd(d, 4) & 0x70F) | CTR_TX);
        put(d, 2, packet, size);
        d->loop_full = true;
        set_stat(d, 1, VALID, -1);
        set_stat(d, 2, -1, VALID);
    }
    if (rd(d, 12) & CTR_TX || (rd(d, 12) & 0x30) == 0x20) {
        static const uint8_t report[8] = {'r', 'e', 'p', 'o', 'r', 't', 0, 0};
        if (rd(d, 12) & CTR_TX)
            d->seen.interrupts++;
        wr(d, 12, (rd(d, 12) & 0x70F) | CTR_RX);
        put(d, 3, report, 8);
        set_stat(d, 3, -1, VALID);
    }
}

static void poll(void *arg)
{
    struct soft_device *d = arg;
    unsigned istr = rd(d, ISTR);
    if (istr & 0x400)
        bus_reset(d);
    if (istr & 0x1000) { /* WKUP */
        d->seen.wakes++;
        wr(d, CNTR, 0);
        wr(d, ISTR, (uint16_t)~0x1000);
    }
    if (istr & 0x800) { /* SUSP */
        d->seen.suspends++;
        wr(d, CNTR, 8);
        wr(d, ISTR, (uint16_t)~0x800);
    }
    if (!d->muted && rd(d, 0) & CTR_TX)
        control_in(d);
    if (!d->muted && rd(d, 0) & CTR_RX)
        control_out(d);
    take_address(d);
    if (d->answer_due && chip_now(d->c) >= d->answer_at) {
        d->answer_due = false;
        if (d->setup[0] & 0x80)
            answer(d, 1);
        else
            acknowledge(d);
    }
    if (d->configuration && !d->k)
        loop(d);
    chip_outside_wake(d->c, OUTSIDE_TEST, chip_now(d->c) + poll_period, poll, d);
}

static void poke32(struct soft_device *d, uint32_t addr, uint32_t value)
{
    assert_true(chip_bus_write(d->c, addr, 4, value));
}

void soft_attach(struct soft_device *d)
{
    wr(d, CNTR, 1);
    wr(d, CNTR, 0);
    wr(d, ISTR, 0);
    wr(d, BCDR, 0x8000);
}

void soft_device_class(struct soft_device *d, const struct soft_class *k)
{
    d->k = k;
}

void soft_slow_address(struct soft_device *d, unsigned us)
{
    d->address_delay = us * PS_PER_US;
}

void soft_detach(struct soft_device *d)
{
    wr(d, BCDR, 0);
}

void soft_remote_wake(struct soft_device *d)
{
    wr(d, CNTR, 0x18);
    wr(d, CNTR, 0x08);
}

struct soft_device *soft_device_create(struct vboard *b, unsigned packet0)
{
    static const uint32_t program[] = {0x20001000, 0x08000009, 0xE7FDBF30}; /* wfi; b .-2 */
    struct soft_device *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->board = b;
    d->c = board_chip(b);
    d->packet0 = packet0;
    assert_true(board_keep(b, d, sizeof *d));
    assert_true(vboard_load_bytes(b, 0x08000000, program, sizeof program));
    vboard_power(b, true, false);
    vboard_run(b, 1000000, NULL, NULL);
    poke32(d, 0x40021000, 0x99);                /* RCC_CR: MSI 24 MHz */
    poke32(d, 0x40021098, 1);                   /* HSI48 */
    poke32(d, 0x40021058, 1U << 26 | 1U << 28); /* USBFSEN, PWREN */
    poke32(d, 0x40007004, 1U << 10);            /* USV */
    vboard_run(b, 100000, NULL, NULL);
    soft_attach(d);
    poll(d);
    return d;
}

void soft_device_destroy(struct soft_device *d)
{
    chip_outside_wake(d->c, OUTSIDE_TEST, PS_NEVER, NULL, NULL);
    board_forget(d->board, d);
    free(d);
}

const struct soft_seen *soft_seen(const struct soft_device *d)
{
    return &d->seen;
}
