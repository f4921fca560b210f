/* What a hostile host sends: operations from a seed. */
#include "hostile.h"
#include <stdio.h>
#include <string.h>

uint32_t hostile_random(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    uint64_t x = *seed >> 29 ^ *seed;
    return below ? (uint32_t)((x >> 11 & 0xFFFFFFFF) * below >> 32) : 0;
}
#define RND(n) hostile_random(seed, n)

static uint32_t word(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

static void set_word(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static struct op request(uint8_t type, uint8_t number, uint32_t value, uint32_t index, uint32_t length)
{
    struct op op = {.kind = OP_REQUEST, .setup = {type, number}};
    set_word(op.setup + 2, value);
    set_word(op.setup + 4, index);
    set_word(op.setup + 6, length);
    return op;
}

static const struct {
    uint8_t type, number;
    const char *name;
} kinds[HR_KINDS] = {
    [HR_DETACH] = {0x21, 0, "DETACH"},
    [HR_DNLOAD] = {0x21, 1, "DNLOAD"},
    [HR_LEAVE] = {0x21, 1, "DNLOAD 0"},
    [HR_UPLOAD] = {0xA1, 2, "UPLOAD"},
    [HR_GETSTATUS] = {0xA1, 3, "GETSTATUS"},
    [HR_CLRSTATUS] = {0x21, 4, "CLRSTATUS"},
    [HR_GETSTATE] = {0xA1, 5, "GETSTATE"},
    [HR_ABORT] = {0x21, 6, "ABORT"},
    [HR_UNDEFINED_CLASS] = {0x21, 7, "undefined class request"},
    [HR_OTHER_RECIPIENT] = {0xA1, 3, "class request to others"},
    [HR_MSOS20] = {0xC0, 0x53, "MS OS 2.0"},
    [HR_WEBUSB] = {0xC0, 0x53, "WebUSB"},
    [HR_OTHER_VENDOR] = {0xC0, 0x77, "vendor"},
    [HR_GET_DESCRIPTOR] = {0x80, 6, "GET_DESCRIPTOR"},
    [HR_SET_CONFIGURATION] = {0x00, 9, "SET_CONFIGURATION"},
    [HR_SET_INTERFACE] = {0x01, 11, "SET_INTERFACE"},
    [HR_GET_STATUS] = {0x80, 0, "GET_STATUS"},
    [HR_FEATURE] = {0x02, 1, "CLEAR_FEATURE or SET_FEATURE"},
    [HR_SET_ADDRESS] = {0x00, 5, "SET_ADDRESS"},
    [HR_OTHER_STANDARD] = {0x80, 8, "standard"},
};

static const char *hostile_kind_name(unsigned kind)
{
    return kind < HR_KINDS ? kinds[kind].name : "?";
}

enum hostile_request hostile_kind(const uint8_t s[8])
{
    static const enum hostile_request dfu[] = {HR_DETACH,   HR_DNLOAD,    HR_LEAVE,
                                               HR_UPLOAD,   HR_GETSTATUS, HR_CLRSTATUS,
                                               HR_GETSTATE, HR_ABORT,     HR_UNDEFINED_CLASS};
    enum model_request r = model_request(s);
    if (r != MODEL_NOT_DFU)
        return dfu[r];
    switch (s[0] & 0x60) {
    case 0x20: return HR_OTHER_RECIPIENT;
    case 0x40:
        return s[0] == 0xC0 && s[1] == 0x53 ? word(s + 4) == 2 ? HR_WEBUSB : HR_MSOS20 : HR_OTHER_VENDOR;
    case 0x60: return HR_OTHER_STANDARD;
    default: break;
    }
    switch (s[1]) {
    case 0: return HR_GET_STATUS;
    case 1:
    case 3: return HR_FEATURE;
    case 5: return HR_SET_ADDRESS;
    case 6: return HR_GET_DESCRIPTOR;
    case 9: return HR_SET_CONFIGURATION;
    case 11: return HR_SET_INTERFACE;
    default: return HR_OTHER_STANDARD;
    }
}

/* ---- single requests --------------------------------------------------------------------- */

static uint32_t a_length(uint64_t *seed)
{
    static const uint16_t lengths[] = {0,    1,    2,    5,    6,    7,    8,    18,   63,
                                       64,   65,   127,  128,  255,  256,  512,  1023, 1024,
                                       2040, 2047, 2048, 2049, 2056, 2112, 4096, 8192, 65535};
    return RND(4) ? lengths[RND(sizeof lengths / sizeof *lengths)] : RND(2200);
}

static uint32_t an_address(uint64_t *seed)
{
    static const uint32_t odd[] = {0,          0x08000000, 0x08003FFF, 0x08004000, 0x08004001, 0x0803EFFF,
                                   0x0803F000, 0x0803F800, 0x08040000, 0x1FFF7800, 0x20000000, 0x40022000,
                                   0xE0000000, 0xF0000000, 0xF0000003, 0xF0000400, 0xFFFFFFFF, 0x0803E800};
    switch (RND(4)) {
    case 0: return odd[RND(sizeof odd / sizeof *odd)];
    case 1: return 0x08004000 + RND(8) * 2048;
    case 2: return 0x08004000 + RND(0x3B000);
    default: return 0x08004000 + RND(118) * 2048;
    }
}

static struct op dnload_command(uint32_t opcode, uint32_t argument, uint32_t length)
{
    struct op op = request(0x21, 1, 0, 0, length);
    op.data = DATA_COMMAND;
    op.opcode = (uint8_t)opcode;
    op.value = argument;
    return op;
}

static struct op a_dnload(uint64_t *seed)
{
    static const uint8_t opcodes[] = {0x00, 0x21, 0x21, 0x41, 0x41, 0x92, 0x55};
    uint32_t block = RND(3) ? RND(6) : RND(65536);
    if (RND(3) == 0)
        return dnload_command(opcodes[RND(sizeof opcodes)], an_address(seed), RND(6) ? 5 : 1 + RND(6));
    uint32_t length = a_length(seed);
    struct op op = request(0x21, 1, block, 0, length ? length : 1);
    op.data = RND(2) ? DATA_IMAGE : DATA_RANDOM;
    op.value = op.data == DATA_IMAGE ? RND(4) * 2048 : RND(UINT32_MAX);
    return op;
}

static struct op a_standard(enum hostile_request kind, uint64_t *seed)
{
    static const uint16_t descriptors[] = {0x0100, 0x0200, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304,
                                           0x0310, 0x0315, 0x032C, 0x0600, 0x0F00, 0x0201, 0x2100};
    switch (kind) {
    case HR_GET_DESCRIPTOR:
        return request(RND(8) ? 0x80 : 0x81, 6,
                       RND(3) ? descriptors[RND(sizeof descriptors / 2)] : RND(65536), RND(2) ? 0x0409 : 0,
                       a_length(seed));
    case HR_SET_CONFIGURATION: return request(0, 9, RND(5) ? RND(2) : RND(65536), 0, RND(20) ? 0 : 4);
    case HR_SET_INTERFACE: return request(1, 11, RND(4) ? 0 : RND(3), RND(6) ? 0 : RND(65536), 0);
    case HR_GET_STATUS:
        return request((uint8_t)(0x80 + RND(3)), 0, 0, RND(2) ? 0 : RND(300), RND(4) ? 2 : a_length(seed));
    case HR_FEATURE: return request((uint8_t)RND(3), RND(2) ? 1 : 3, RND(3), RND(2) ? 0 : RND(300), 0);
    case HR_SET_ADDRESS: return request(0, 5, RND(4) ? 1 + RND(127) : RND(300), 0, RND(20) ? 0 : 8);
    default:
        return request((uint8_t)(RND(2) ? 0x80 : RND(256) & 0x9F), (uint8_t)(RND(2) ? 8 : RND(16)),
                       RND(3) ? 0 : RND(65536), RND(2) ? 0 : RND(3), RND(3) ? 1 : a_length(seed));
    }
}

void op_of_kind(struct op *op, enum hostile_request kind, uint64_t *seed)
{
    uint8_t type = kinds[kind].type, number = kinds[kind].number;
    switch (kind) {
    case HR_DETACH:
    case HR_CLRSTATUS:
    case HR_ABORT: *op = request(type, number, RND(2) ? 0 : RND(65536), 0, 0); break;
    case HR_DNLOAD: *op = a_dnload(seed); break;
    case HR_LEAVE: *op = request(type, number, RND(4), 0, 0); break;
    case HR_UPLOAD: *op = request(type, number, RND(4) ? RND(5) : RND(65536), 0, a_length(seed)); break;
    case HR_GETSTATUS:
        *op = request(type, number, RND(8) ? 0 : RND(65536), 0, RND(6) ? 6 : a_length(seed));
        break;
    case HR_GETSTATE: *op = request(type, number, 0, 0, RND(6) ? 1 : a_length(seed)); break;
    case HR_UNDEFINED_CLASS: /* also those that are defined the other way */
        *op = request((uint8_t)(0x21 | RND(2) << 7), (uint8_t)(RND(2) ? RND(256) : RND(7)), RND(65536), 0,
                      a_length(seed));
        break;
    case HR_OTHER_RECIPIENT:
        *op = request((uint8_t)(0x20 | RND(2) << 7 | RND(4)), (uint8_t)RND(8), RND(4),
                      1 + RND(RND(2) ? 3 : 65535), a_length(seed));
        break;
    case HR_MSOS20:
        *op = request(type, number, RND(4) ? 0 : RND(65536), RND(4) ? 7 : 3 + RND(9), a_length(seed));
        break;
    case HR_WEBUSB: *op = request(type, number, RND(4), 2, a_length(seed)); break;
    case HR_OTHER_VENDOR:
        *op = request((uint8_t)(0x40 | RND(2) << 7 | RND(3)), (uint8_t)RND(256), RND(65536), RND(16),
                      a_length(seed));
        break;
    default: *op = a_standard(kind, seed); break;
    }
    if (op->data == DATA_RANDOM)
        op->value = RND(UINT32_MAX);
    if (RND(3) == 0) {
        op->fault = (uint8_t)(1 + RND(WIRE_FAULTS - 1));
        op->at = (uint8_t)RND(RND(2) ? 3 : 40);
    }
}

/* ---- sequences --------------------------------------------------------------------------- */

static void add(struct op_list *list, struct op op)
{
    if (list->n < OPS)
        list->op[list->n++] = op;
}

static void poll(struct op_list *list)
{
    add(list, (struct op){.kind = OP_POLL});
}

static struct op block(uint32_t number, uint32_t offset, uint32_t length)
{
    struct op op = request(0x21, 1, number, 0, length);
    op.data = DATA_IMAGE;
    op.value = offset;
    return op;
}

static void the_end(struct op_list *list, uint64_t *seed)
{
    if (RND(4))
        add(list, request(0x21, 6, 0, 0, 0));
    add(list, request(0xA1, 3, 0, 0, 6));
    if (RND(3) == 0) {
        add(list, request(0x21, 1, 2, 0, 0));
        add(list, request(0xA1, 3, 0, 0, 6));
    }
}

/* As dfu-util does it: erase, then address and data; or with running block numbers. */
static void dfuse_download(struct op_list *list, uint64_t *seed)
{
    uint32_t size = 1 + RND(RND(3) ? 5000 : 200), transfer = RND(3) ? 2048 : 256u << RND(3);
    uint32_t at = 0x08004000 + (RND(4) ? 0 : RND(117) * 2048);
    bool running = RND(2);
    if (RND(8) == 0)
        add(list, request(1, 11, 0, 0, 0));
    for (uint32_t page = 0; page < size; page += 2048) {
        add(list, dnload_command(0x41, at + page, 5));
        poll(list);
    }
    for (uint32_t n = 0; n * transfer < size; n++) {
        uint32_t offset = n * transfer;
        if (n == 0 || !running) {
            add(list, dnload_command(0x21, at + offset, 5));
            poll(list);
        }
        add(list, block(running ? 2 + n : 2, offset, size - offset < transfer ? size - offset : transfer));
        poll(list);
    }
    the_end(list, seed);
}

static void plain_download(struct op_list *list, uint64_t *seed)
{
    uint32_t size = 6 + RND(5000), transfer = RND(2) ? 2048 : 1024;
    uint32_t n = 0;
    for (; n * transfer < size; n++) {
        uint32_t offset = n * transfer;
        add(list, block(n, offset, size - offset < transfer ? size - offset : transfer));
        poll(list);
    }
    add(list, request(0x21, 1, n, 0, 0));
    add(list, request(0xA1, 3, 0, 0, 6));
}

static void upload(struct op_list *list, uint64_t *seed)
{
    add(list, dnload_command(0x21, an_address(seed), 5));
    poll(list);
    add(list, request(0x21, 6, 0, 0, 0));
    uint32_t transfer = RND(3) ? 2048 : a_length(seed);
    for (uint32_t n = 0, all = 1 + RND(4); n < all; n++)
        add(list, request(0xA1, 2, 2 + n, 0, transfer));
    if (RND(2))
        add(list, request(0x21, 6, 0, 0, 0));
}

static struct op anything(uint64_t *seed)
{
    struct op op = {.kind = OP_REQUEST};
    switch (RND(16)) {
    case 0: op.kind = OP_BUS_RESET; break;
    case 1:
        op.kind = OP_SUSPEND;
        op.ms = 4 + RND(40);
        break;
    case 2:
        op.kind = OP_SILENCE;
        op.ms = RND(8) ? RND(60) : RND(4000);
        break;
    case 3: op.kind = RND(3) ? OP_POLL : RND(2) ? OP_REPLUG : OP_NRST; break;
    default:
        op_of_kind(&op, RND(2) ? (enum hostile_request)RND(9) : (enum hostile_request)RND(HR_KINDS), seed);
        break;
    }
    return op;
}

static void mutate(struct op_list *list, unsigned from, uint64_t *seed)
{
    unsigned i = from + RND(list->n - from), k = from + RND(list->n - from);
    struct op *op = &list->op[i], other = list->op[k];
    switch (RND(10)) {
    case 0: /* leave one out */
        memmove(op, op + 1, (list->n - i - 1) * sizeof *op);
        list->n--;
        break;
    case 1: /* send one again */
    case 2: /* or something else in between */
        if (list->n < OPS) {
            memmove(op + 1, op, (list->n - i) * sizeof *op);
            list->n++;
            *op = RND(2) ? other : anything(seed);
        }
        break;
    case 3: /* change places */
        list->op[k] = *op;
        *op = other;
        break;
    case 4: set_word(op->setup + 6, a_length(seed)); break;
    case 5: set_word(op->setup + 2, RND(2) ? RND(8) : word(op->setup + 2) + 1); break;
    case 6: op->value = op->data == DATA_COMMAND ? an_address(seed) : RND(8192); break;
    case 7:
    case 8:
        op->fault = (uint8_t)(1 + RND(WIRE_FAULTS - 1));
        op->at = (uint8_t)RND(40);
        break;
    default: op->setup[RND(8)] ^= (uint8_t)(1u << RND(8)); break;
    }
}

void op_grow(struct op_list *list, uint64_t *seed)
{
    unsigned from = list->n;
    switch (RND(5)) {
    case 0:
    case 1: dfuse_download(list, seed); break;
    case 2: plain_download(list, seed); break;
    case 3: upload(list, seed); break;
    default:
        for (unsigned n = 1 + RND(12); n > 0; n--)
            add(list, anything(seed));
        return;
    }
    for (unsigned n = RND(4); n > 0 && list->n > from; n--)
        mutate(list, from, seed);
}

/* ---- data and words ---------------------------------------------------------------------- */

void hostile_image(uint8_t image[IMAGE_MAX])
{
    uint64_t seed = 7;
    for (unsigned i = 0; i < IMAGE_MAX; i++)
        image[i] = (uint8_t)hostile_random(&seed, 256);
    static const uint32_t head[16] = {0x20010000, 0x08004041};
    static const uint8_t loop[2] = {0xFE, 0xE7}; /* b . */
    memcpy(image, head, sizeof head);
    memcpy(image + sizeof head, loop, sizeof loop);
}

void op_fill(const struct op *op, uint8_t *data, uint32_t size)
{
    static uint8_t image[IMAGE_MAX];
    uint64_t seed = op->value;
    if (!image[3])
        hostile_image(image);
    for (uint32_t i = 0; i < size; i++)
        data[i] =
            op->data == DATA_IMAGE ? image[(op->value + i) % IMAGE_MAX] : (uint8_t)hostile_random(&seed, 256);
    for (uint32_t i = 0; i < size && i < 5 && op->data == DATA_COMMAND; i++)
        data[i] = i == 0 ? op->opcode : (uint8_t)(op->value >> (8 * (i - 1)));
}

void op_print(const struct op *op, char *text, uint32_t size)
{
    static const char *const names[] = {"", "poll", "bus reset", "suspend", "silence", "replug", "NRST"};
    const uint8_t *s = op->setup;
    if (op->kind != OP_REQUEST) {
        (void)snprintf(text, size, "%s %u ms", names[op->kind], op->ms);
        return;
    }
    int n = snprintf(text, size, "%s: %02x %02x value %04x index %04x length %u",
                     hostile_kind_name(hostile_kind(s)), s[0], s[1], word(s + 2), word(s + 4), word(s + 6));
    if (op->data == DATA_COMMAND)
        n += snprintf(text + n, size - (uint32_t)n, ", command %02x %08x", op->opcode, op->value);
    else if (!(s[0] & 0x80) && word(s + 6))
        n += snprintf(text + n, size - (uint32_t)n, ", %s %08x",
                      op->data == DATA_IMAGE ? "image from" : "random", op->value);
    if (op->fault)
        (void)snprintf(text + n, size - (uint32_t)n, ", %s (%u)", wire_fault_name(op->fault), op->at);
}
