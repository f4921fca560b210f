/* A hostile or unlucky host: lists of operations made from a seed, and a runner that carries them out
 * against the bootloader on the virtual board and watches what comes of it. */
#ifndef TEST_SUPPORT_HOSTILE_H
#define TEST_SUPPORT_HOSTILE_H

#include "dfumodel.h"
#include "vboard.h"
#include "wire.h"

/* ---- operations -------------------------------------------------------------------------- */

enum op_kind { OP_REQUEST, OP_POLL, OP_BUS_RESET, OP_SUSPEND, OP_SILENCE, OP_REPLUG, OP_NRST, OP_KINDS };

/* What a DNLOAD carries. */
enum op_data { DATA_RANDOM, DATA_IMAGE, DATA_COMMAND };

struct op {
    uint8_t kind;
    uint8_t setup[8];
    uint8_t data;   /* enum op_data */
    uint8_t fault;  /* enum wire_fault; WIRE_NONE: by the host's own scheduler */
    uint8_t at;     /* of the fault */
    uint8_t opcode; /* DATA_COMMAND */
    uint32_t value; /* DATA_COMMAND: argument; DATA_IMAGE: offset in the image; else a seed */
    uint32_t ms;    /* OP_SILENCE, OP_SUSPEND */
};

enum { OPS = 96, IMAGE_MAX = 8192 };
struct op_list {
    unsigned n;
    struct op op[OPS];
};

/* Kinds of requests that are counted for each state. */
enum hostile_request {
    HR_DETACH,
    HR_DNLOAD,
    HR_LEAVE,
    HR_UPLOAD,
    HR_GETSTATUS,
    HR_CLRSTATUS,
    HR_GETSTATE,
    HR_ABORT,
    HR_UNDEFINED_CLASS,
    HR_OTHER_RECIPIENT,
    HR_MSOS20,
    HR_WEBUSB,
    HR_OTHER_VENDOR,
    HR_GET_DESCRIPTOR,
    HR_SET_CONFIGURATION,
    HR_SET_INTERFACE,
    HR_GET_STATUS,
    HR_FEATURE,
    HR_SET_ADDRESS,
    HR_OTHER_STANDARD,
    HR_KINDS
};
enum hostile_request hostile_kind(const uint8_t setup[8]);

uint32_t hostile_random(uint64_t *seed, uint32_t below); /* 0 to below - 1 */
void op_of_kind(struct op *op, enum hostile_request kind, uint64_t *seed);
/* A valid download or upload, mutated, or requests at random; appended. */
void op_grow(struct op_list *list, uint64_t *seed);
void op_print(const struct op *op, char *text, uint32_t size);
/* Data of a DNLOAD. Blocks of images start with a vector table that passes the lint and loops. */
void op_fill(const struct op *op, uint8_t *data, uint32_t size);
void hostile_image(uint8_t image[IMAGE_MAX]);

/* ---- runner ------------------------------------------------------------------------------ */

struct hostile {
    struct vboard *board;
    struct usbhost *host;
    struct wire wire;
    struct model model;
    uint64_t seed;
    bool configured;
    bool address_lost; /* the device may have another address than the host believes */
    bool torn;         /* power or a reset has interrupted flash: NMIs are to be expected */
    bool reset_asked;  /* the next reset is the test's own */
    bool app;          /* the application was started */
    bool app_right;    /* and it was one that may be */
    char wrong[500];   /* empty: nothing */
    /* counts */
    uint64_t requests, accepted, started, refused_starts, unsure, downloads, faults[WIRE_FAULTS],
        kinds[OP_KINDS];
    uint32_t matrix[MODEL_STATES][HR_KINDS];
};

/* Events of the board go here. */
void hostile_event(void *arg, const struct vboard_event *e);
bool hostile_do(struct hostile *h, const struct op *op); /* false: h->wrong, or it is over (h->app) */
/* Brings the device back to where it answers, and has it answer GETSTATUS in time. */
bool hostile_recovers(struct hostile *h);
/* If the device is about to leave, waits until it has; false: the application runs now. */
bool hostile_settles(struct hostile *h);
/* A reset; then the application is started only if it may be, or DFU says why not. */
bool hostile_restarts(struct hostile *h);
/* Product string and status string are of the table of messages. */
bool hostile_speaks(struct hostile *h);

#endif
