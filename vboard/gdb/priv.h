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

struct gdb_client {
    int fd; /* -1: none */
    char name[NET_NAME];
    bool spoke; /* gdb's language: until then it is nobody */
    bool no_ack;
    bool extended;     /* `target extended-remote`: it stays when it has detached or killed the program */
    const char *leave; /* it goes after its answer, or at once: why */
    struct packet in;
    uint8_t out[2 * PACKET_ROOM(PACKET_SIZE)]; /* not sent yet */
    size_t queued;
};

struct gdb {
    struct vboard *b;
    struct chip *chip;
    struct cpu *cpu;
    struct gdb_config config;
    int listener;
    uint16_t port;

    struct gdb_client clients[GDB_CLIENTS];
    struct gdb_client *debugger; /* whose the board is, NULL: nobody debugs. All others read */
    struct gdb_client *now;      /* who is answered */

    enum gdb_state state;
    char stop[64]; /* the last stop reply */
    bool in_range; /* vCont;r: stepping from range_lo to before range_hi */
    uint32_t range_lo, range_hi;
    unsigned catches; /* what stops at the vector, without CPU_CATCH_RESET */
    bool stepping;    /* one instruction */
    bool before_bkpt; /* of the firmware's, which has stopped it */
    bool semihosting; /* BKPT 0xAB is served */
    bool synchronize; /* the next step is none, it only tells where the board is halted */
    struct gdb_flash *flash;
};

/* ---- clients.c: sockets, and answers to g->now ---- */
void gdb_reply(struct gdb *g, const char *text);
void gdb_reply_data(struct gdb *g, const void *data, size_t size);
/* "Enn": the packet's form is wrong; and as in errno.h. */
enum { GDB_ERROR_FORM = 1, GDB_ERROR_MEMORY = 12, GDB_ERROR_PLACE = 14, GDB_ERROR_FULL = 28 };
void gdb_error(struct gdb *g, unsigned number);
#define GDB_ONLY_READS "this connection only reads, for another gdb had the board when it came"
__attribute__((format(printf, 2, 3))) void gdb_say(const struct gdb *g, const char *format, ...);

/* ---- server.c ---- */
/* The client that speaks gets the board, if nobody has it: it is debugged and halted. false: it is another's.
 */
bool gdb_attach(struct gdb *g);
/* Nobody debugs any more, the board runs on. */
void gdb_detach(struct gdb *g);
void gdb_halt(struct gdb *g, unsigned signal, const char *more); /* makes the stop reply; does not send it */
void gdb_resume(struct gdb *g, bool step);
void gdb_set_pc(struct gdb *g, uint32_t pc); /* registers.c */
void gdb_let_go(struct gdb *g);              /* runs, but gdb does not know it */
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

/* ---- monitor commands -------------------------------------------------------------------- */
enum { GDB_WORDS = 6 };
struct gdb_words {
    unsigned row; /* what the table says to the function: how many bytes, for instance */
    unsigned count;
    const char *word[GDB_WORDS]; /* behind the command, in small letters */
};
/* A line for the user of gdb, up to 255 characters. */
__attribute__((format(printf, 2, 3))) void gdb_print(struct gdb *g, const char *format, ...);
/* The n-th word is a number: into *value, which stays as it is if there is no such word. false: it is none,
 * which has been said. */
bool gdb_argument(struct gdb *g, const struct gdb_words *w, unsigned n, uint32_t *value);
void gdb_monitor_read(struct gdb *g, const struct gdb_words *w);
void gdb_monitor_write(struct gdb *g, const struct gdb_words *w);
void gdb_monitor_register(struct gdb *g, const struct gdb_words *w);
void gdb_monitor_erase(struct gdb *g, const struct gdb_words *w);

/* Answers a qXfer read at "OFFSET,LENGTH" of a document. */
void gdb_document(struct gdb *g, const char *text, const char *document, size_t size);
/* "ADDR,LENGTH" at *text, and `end` behind it; moves behind that. */
bool gdb_span(const char **text, uint32_t *addr, uint32_t *length, char end);

#endif
