/* Memory as a debugger sees it: reads without side effects, writes to memory as they are and to registers
 * through the bus, flash only by `load`; and the map that tells gdb what lies where. */
#include "gdb/priv.h"

#include <stdio.h>
#include <string.h>

#include "chip/machine.h"

enum { PIECE = 1024 };

/* RM0394 "Memory map". What is not in it gdb does not touch. */
static const char map[] =
    "<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
    "\"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map>"
    "<memory type=\"rom\" start=\"0x00000000\" length=\"0x00040000\"/>"
    "<memory type=\"flash\" start=\"0x08000000\" length=\"0x00040000\">"
    "<property name=\"blocksize\">0x800</property></memory>"
    "<memory type=\"ram\" start=\"0x10000000\" length=\"0x00004000\"/>"
    "<memory type=\"rom\" start=\"0x1fff0000\" length=\"0x00008000\"/>"
    "<memory type=\"ram\" start=\"0x20000000\" length=\"0x00010000\"/>"
    "<memory type=\"ram\" start=\"0x40000000\" length=\"0x20000000\"/>"
    "<memory type=\"ram\" start=\"0xa0000000\" length=\"0x00002000\"/>"
    "<memory type=\"ram\" start=\"0xe0000000\" length=\"0x00100000\"/></memory-map>";

void gdb_memory_map(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    gdb_document(g, text, map, sizeof map - 1);
}

void gdb_read_memory(struct gdb *g, const char *text, size_t size)
{
    uint32_t addr, length;
    (void)size;
    if (!gdb_span(&text, &addr, &length, '\0')) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    /* A shorter answer is allowed: what there is, up to what one packet holds. */
    static char answer[PACKET_SIZE];
    uint32_t most = length < sizeof answer / 2 - 1 ? length : sizeof answer / 2 - 1, n = 0;
    uint8_t byte;
    while (n < most && chip_peek(g->chip, addr + n, &byte, 1))
        packet_hex(answer + 2 * n++, &byte, 1);
    if (n == 0 && length != 0)
        gdb_error(g, GDB_ERROR_PLACE);
    else
        gdb_reply_data(g, answer, 2 * n);
}

/* A word, halfword or byte at a time, as large as the address allows: a write of 1, 2 or 4 bytes to a
 * register is one access of that size. */
static bool write_bytes(struct gdb *g, uint32_t addr, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t done = 0, n; done < length; done += n) {
        uint32_t at = addr + done, left = length - done, value = 0;
        n = (at & 1) || left < 2 ? 1 : (at & 2) || left < 4 ? 2 : 4;
        memcpy(&value, bytes + done, n);
        if (!chip_debug_write(g->chip, at, n, value))
            return false;
    }
    return true;
}

static void answer_write(struct gdb *g, bool ok)
{
    if (ok)
        gdb_reply(g, "OK");
    else
        gdb_error(g, GDB_ERROR_PLACE);
}

void gdb_write_memory(struct gdb *g, const char *text, size_t size)
{
    uint8_t bytes[PIECE];
    uint32_t addr, length;
    bool ok = true;
    if (!gdb_span(&text, &addr, &length, ':') || length > size || strlen(text) != 2 * (size_t)length) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    for (uint32_t done = 0, n; done < length && ok; done += n) {
        n = length - done < PIECE ? length - done : PIECE;
        if (!packet_bytes(&text, bytes, n)) {
            gdb_error(g, GDB_ERROR_FORM);
            return;
        }
        ok = write_bytes(g, addr + done, bytes, n);
    }
    answer_write(g, ok);
}

void gdb_write_binary(struct gdb *g, const char *text, size_t size)
{
    const char *end = text + size;
    uint32_t addr, length;
    if (!gdb_span(&text, &addr, &length, ':') || (size_t)(end - text) != length)
        gdb_error(g, GDB_ERROR_FORM);
    else
        answer_write(g, write_bytes(g, addr, (const uint8_t *)text, length));
}

/* For `compare-sections`: CRC-32 without reflection and final complement (gdb's manual, "qCRC"). */
void gdb_memory_crc(struct gdb *g, const char *text, size_t size)
{
    uint32_t addr, length, crc = UINT32_MAX;
    char answer[16];
    (void)size;
    if (!gdb_span(&text, &addr, &length, '\0')) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        uint8_t byte;
        if (!chip_peek(g->chip, addr + i, &byte, 1)) {
            gdb_error(g, GDB_ERROR_PLACE);
            return;
        }
        crc ^= (uint32_t)byte << 24;
        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 31 ? crc << 1 ^ 0x04c11db7u : crc << 1;
    }
    (void)snprintf(answer, sizeof answer, "C%x", (unsigned)crc);
    gdb_reply(g, answer);
}

/* ---- monitor commands -------------------------------------------------------------------- */

enum { MOST = 1024 }; /* in one command */

/* Address and count, and for a write the value between them. */
static bool arguments(struct gdb *g, const struct gdb_words *w, uint32_t *addr, uint32_t *value,
                      uint32_t *count)
{
    bool write = value != NULL;
    if (w->count < 1u + write) {
        gdb_print(g, "It takes %s.\n", write ? "ADDR VALUE [COUNT]" : "ADDR [COUNT]");
        return false;
    }
    if (!gdb_argument(g, w, 0, addr) || (write && !gdb_argument(g, w, 1, value)) ||
        !gdb_argument(g, w, 1u + write, count))
        return false;
    if (*count > MOST || *addr % w->row != 0 || (write && w->row < 4 && *value >> (8 * w->row) != 0)) {
        gdb_print(g, "Up to %d at a time, at a multiple of %u, each of %u bits.\n", MOST, w->row, 8 * w->row);
        return false;
    }
    return true;
}

/* md* ADDR [COUNT] */
void gdb_monitor_read(struct gdb *g, const struct gdb_words *w)
{
    uint32_t addr = 0, count = 1, value = 0;
    if (!arguments(g, w, &addr, NULL, &count))
        return;
    char line[128];
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++, addr += w->row) {
        bool there = chip_peek(g->chip, addr, &value, w->row);
        if (n == 0 && there)
            n += (size_t)snprintf(line, sizeof line, "0x%08x:", (unsigned)addr);
        if (there)
            n += (size_t)snprintf(line + n, sizeof line - n, " %0*x", (int)(2 * w->row), (unsigned)value);
        if (n > 0 && (!there || i + 1 == count || (addr + w->row) % 32 == 0)) {
            gdb_print(g, "%s\n", line);
            n = 0;
        }
        if (!there) {
            gdb_print(g, "There is nothing at 0x%08x.\n", (unsigned)addr);
            return;
        }
    }
}

/* mw* ADDR VALUE [COUNT] */
void gdb_monitor_write(struct gdb *g, const struct gdb_words *w)
{
    uint32_t addr = 0, value = 0, count = 1;
    if (!arguments(g, w, &addr, &value, &count))
        return;
    for (uint32_t i = 0; i < count; i++, addr += w->row)
        if (!chip_debug_write(g->chip, addr, w->row, value)) {
            gdb_print(g, "There is nothing at 0x%08x that can be written so.\n", (unsigned)addr);
            return;
        }
}
