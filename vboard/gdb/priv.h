/* What the files of the gdb server share. */
#ifndef VBOARD_GDB_PRIV_H
#define VBOARD_GDB_PRIV_H

#include "cpu/cpu.h"
#include "gdb/gdb.h"
#include "gdb/packet.h"
#include "net/listen.h"

enum gdb_state {
    GDB_AWAY,    /* nobody debugs */
    GDB_HALTED,  /* gdb knows it */
    GDB_RUNNING, /* gdb waits for it to stop */
    GDB_LOOSE    /* runs after `monitor reset` although gdb takes it as halted */
};

enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5, SIGNAL_SEGV = 11 };

struct gdb_flash; /* what `load` has sent so far (flash.c) */

struct gdb {
    struct vboard *b;
    struct chip *chip;
    struct cpu *cpu;
    struct gdb_config config;
    int listener;
    uint16_t port;

    int client; /* -1: none */
    char name[NET_NAME];
    bool no_ack;
    bool extended;     /* `target extended-remote`: it stays when it has killed the program */
    const char *leave; /* the client goes after its answer, or at once: why */
    struct packet in;
    uint8_t out[2 * PACKET_ROOM(PACKET_SIZE)]; /* not sent yet */
    size_t queued;

    enum gdb_state state;
    char stop[64]; /* the last stop reply */
    bool in_range; /* vCont;r: stepping from range_lo to before range_hi */
    uint32_t range_lo, range_hi;
    unsigned catches; /* what stops at the vector, without CPU_CATCH_RESET */
    bool stepping;    /* one instruction */
    bool semihosting; /* BKPT 0xAB is served */
    struct gdb_flash *flash;
};

/* ---- server.c ---- */
void gdb_reply(struct gdb *g, const char *text);
void gdb_reply_data(struct gdb *g, const void *data, size_t size);
/* "Enn": the packet's form is wrong; and as in errno.h. */
enum { GDB_ERROR_FORM = 1, GDB_ERROR_MEMORY = 12, GDB_ERROR_PLACE = 14, GDB_ERROR_FULL = 28 };
void gdb_error(struct gdb *g, unsigned number);
void gdb_halt(struct gdb *g, unsigned signal, const char *more); /* makes the stop reply; does not send it */
void gdb_resume(struct gdb *g, bool step);
/* Resets the chip and halts it before its first instruction; false: it did not come out of reset. */
bool gdb_reset_halt(struct gdb *g);

/* semihost.c: the stop was a request that has been served, and the program goes on. */
bool gdb_semihosting(struct gdb *g);

/* ---- the subjects: each takes the rest of the packet behind its name, and answers ---- */
void gdb_packet(struct gdb *g, const char *text, size_t size); /* commands.c: whatever it is */
void gdb_read_registers(struct gdb *g, const char *text, size_t size);
void gdb_write_registers(struct gdb *g, const char *text, size_t size);
void gdb_read_register(struct gdb *g, const char *text, size_t size);
void gdb_write_register(struct gdb *g, const char *text, size_t size);
void gdb_target_xml(struct gdb *g, const char *text, size_t size);
void gdb_read_memory(struct gdb *g, const char *text, size_t size);
void gdb_write_memory(struct gdb *g, const char *text, size_t size);
void gdb_write_binary(struct gdb *g, const char *text, size_t size);
void gdb_memory_crc(struct gdb *g, const char *text, size_t size);
void gdb_memory_map(struct gdb *g, const char *text, size_t size);
void gdb_set_point(struct gdb *g, const char *text, size_t size);
void gdb_clear_point(struct gdb *g, const char *text, size_t size);
void gdb_flash_erase(struct gdb *g, const char *text, size_t size);
void gdb_flash_write(struct gdb *g, const char *text, size_t size);
void gdb_flash_done(struct gdb *g, const char *text, size_t size);
void gdb_monitor(struct gdb *g, const char *text, size_t size);

/* Answers a qXfer read at "OFFSET,LENGTH" of a document. */
void gdb_document(struct gdb *g, const char *text, const char *document, size_t size);
/* "ADDR,LENGTH" at *text, and `end` behind it; moves behind that. */
bool gdb_span(const char **text, uint32_t *addr, uint32_t *length, char end);

#endif
