/* What the files of the DFU tool share. */
#ifndef VBOARD_HOST_DFUPRIV_H
#define VBOARD_HOST_DFUPRIV_H

#include "host/dfuhost.h"
#include "host/dfulayout.h"

enum dfu_state {
    APP_IDLE,
    APP_DETACH,
    DFU_IDLE,
    DFU_DNLOAD_SYNC,
    DFU_DNBUSY,
    DFU_DNLOAD_IDLE,
    DFU_MANIFEST_SYNC,
    DFU_MANIFEST,
    DFU_MANIFEST_WAIT_RESET,
    DFU_UPLOAD_IDLE,
    DFU_ERROR
};

enum { DFU_ALTS = 8 };

struct dfu_interface {
    uint8_t number, configuration;
    bool dfu_mode; /* false: run-time */
    uint8_t attributes;
    uint16_t transfer_size, version; /* of the functional descriptor */
    uint8_t packet;                  /* bMaxPacketSize0 */
    size_t alts;
    struct {
        uint8_t setting;
        char name[256];
    } alt[DFU_ALTS];
};

struct dfu_status {
    uint8_t status, state, string;
    uint32_t poll_ms;
};

struct dfu {
    struct usbhost *h;
    struct vboard *board;
    const struct dfu_job *job;
    struct dfu_result *result;
    uint64_t limit; /* virtual time at which the job is given up, ns */
    uint64_t began; /* first request of the session, ns; 0: none yet */
    struct dfu_interface at;
    struct layout layout;
    unsigned transfer_size;
};

/* dfuprobe.c. False: no DFU interface, or it could not be read; result->error says so. */
bool dfu_probe(struct dfu *d);
/* A string descriptor as UTF-8; empty if the device has none. */
void dfu_string(struct dfu *d, unsigned index, char *text, size_t size);

/* dfuhost.c */
/* One control transfer, counted and logged. Returns bytes, or a negative UH_… status. */
int dfu_transfer(struct dfu *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, void *data,
                 uint16_t length);
bool dfu_fail(struct dfu *d, const char *format, ...) __attribute__((format(printf, 2, 3))); /* false */

/* dfusession.c: downloads and uploads in both dialects. False: result->error says why. */
bool dfu_download_dfuse(struct dfu *d);
bool dfu_download_dfu11(struct dfu *d);
bool dfu_upload_dfuse(struct dfu *d);
bool dfu_upload_dfu11(struct dfu *d);

/* requests of DFU 1.1 chapter 6.1, to the interface in use */
int dfu_dnload(struct dfu *d, unsigned block, const void *data, unsigned size);
int dfu_upload(struct dfu *d, unsigned block, void *data, unsigned size);
int dfu_get_status(struct dfu *d, struct dfu_status *s);
int dfu_simple(struct dfu *d, uint8_t request, uint16_t value); /* DETACH, CLRSTATUS, ABORT */
void dfu_sleep(struct dfu *d, uint32_t ms);
enum { DFU_DETACH = 0, DFU_CLRSTATUS = 4, DFU_ABORT = 6 };

const char *dfu_state_name(unsigned state);

#endif
