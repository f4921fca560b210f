/* Packets of gdb's remote serial protocol ("Overview" in gdb's manual): "$data#xx", where xx is the sum
 * of the bytes between, '}' escapes a byte that is sent as itself xor 0x20, and a single 0x03 is an
 * interruption. Pure: bytes in, packets out. */
#ifndef VBOARD_GDB_PACKET_H
#define VBOARD_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_SIZE = 16384 }; /* bytes of data, as announced to gdb */

enum packet_event {
    PACKET_NONE,  /* nothing is complete yet */
    PACKET_DATA,  /* a packet: data, size */
    PACKET_BREAK, /* the user's Ctrl-C */
    PACKET_WRONG  /* a packet whose checksum or escapes are wrong, or that is too long */
};

struct packet {
    enum packet_state { OUTSIDE, INSIDE, ESCAPED, SUM_HIGH, SUM_LOW } state;
    uint8_t sum, expected;
    bool wrong;
    size_t size;
    char data[PACKET_SIZE + 1]; /* unescaped, and a zero behind it */
};

/* Takes one byte of the stream. */
enum packet_event packet_take(struct packet *p, uint8_t byte);
/* Appends "$data#xx", escaped, to `out`, which has room for PACKET_ROOM(size). Returns the length. */
#define PACKET_ROOM(size) (2 * (size) + 4)
size_t packet_put(uint8_t *out, const void *data, size_t size);

/* Reads a number of 1 to 8 hexadecimal digits at *text and moves behind it. */
bool packet_number(const char **text, uint32_t *value);
void packet_hex(char *to, const void *bytes, size_t size); /* 2 * size digits, and a zero */
/* Exactly `size` bytes in hexadecimal at *text; moves behind them. */
bool packet_bytes(const char **text, void *bytes, size_t size);

#endif
