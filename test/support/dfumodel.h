/* What a DFU device may answer, written from USB DFU 1.1 (annex A.2) and AN3156 and sharing nothing with
 * the bootloader: which state may follow which request, and what the slot has to hold once a download
 * is said to be complete. For tests that send anything to the running binary. */
#ifndef TEST_SUPPORT_DFUMODEL_H
#define TEST_SUPPORT_DFUMODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_SLOT = 0x08004000, MODEL_SLOT_SIZE = 0x3B000, MODEL_PAGE = 2048 };
enum { MODEL_PAGES = MODEL_SLOT_SIZE / MODEL_PAGE, MODEL_IMAGES = 2 };

/* bState */
enum {
    MODEL_IDLE = 2,
    MODEL_DNLOAD_SYNC,
    MODEL_DNBUSY,
    MODEL_DNLOAD_IDLE,
    MODEL_MANIFEST_SYNC,
    MODEL_MANIFEST,
    MODEL_UPLOAD_IDLE = 9,
    MODEL_ERROR,
    MODEL_STATES
};
#define MODEL_BIT(state) (1u << (state))

/* Requests of the class to the DFU interface, by what the standards tell apart. */
enum model_request {
    MODEL_DETACH,
    MODEL_DNLOAD,
    MODEL_LEAVE, /* DNLOAD of length 0 */
    MODEL_UPLOAD,
    MODEL_GETSTATUS,
    MODEL_CLRSTATUS,
    MODEL_GETSTATE,
    MODEL_ABORT,
    MODEL_OTHER,
    MODEL_REQUESTS,
    MODEL_NOT_DFU = MODEL_REQUESTS
};
enum model_request model_request(const uint8_t setup[8]);

struct model_image {
    uint32_t size; /* 0: none */
    bool care[MODEL_SLOT_SIZE];
    uint8_t bytes[MODEL_SLOT_SIZE];
};

struct model {
    uint32_t states; /* MODEL_BIT of each state that the device may be in */
    bool leaving;    /* it may leave the bus at any time */
    bool unsure;     /* nobody knows whether a block was taken: images are not compared any more */
    bool suspended;  /* SET_INTERFACE: the session goes on if a DNLOAD comes next */
    bool active, plain, has_data, has_start, broken;
    uint32_t pointer;                        /* of DfuSe */
    uint32_t stride;                         /* length of the first block since Set Address; 0: none yet */
    uint32_t end;                            /* offset after the highest byte of the session */
    uint32_t before;                         /* size of the image that was there when it began; 0: none */
    bool owed[MODEL_PAGES];                  /* erased on request and without data since */
    struct model_image slot;                 /* as the host believes it to be */
    struct model_image images[MODEL_IMAGES]; /* complete ones, newest first */
};

/* A device in dfuIDLE whose slot holds this image, complete; size 0: nothing. */
void model_init(struct model *m, const void *image, uint32_t size);

/* The request was carried out (data and status stage over), or stalled. NULL: it may answer so; else what
 * is wrong with it. `data`, `size`: what was sent or received. */
const char *model_answer(struct model *m, const uint8_t setup[8], bool accepted, const uint8_t *data,
                         uint32_t size);
/* The host has given up a request after so many bytes of data had been taken; whether the device answered
 * it is not known. */
void model_abandoned(struct model *m, const uint8_t setup[8], const uint8_t *data, uint32_t size);

void model_bus_reset(struct model *m); /* also SET_CONFIGURATION */
void model_set_interface(struct model *m);

/* True if `flash`, the slot's content, may be started: it is one of the complete images. */
bool model_may_start(const struct model *m, const uint8_t *flash);

const char *model_state_name(unsigned state);

#endif
