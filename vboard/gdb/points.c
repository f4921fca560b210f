/* Z and z: break- and watchpoints. Breakpoints live beside the memory, so software and hardware ones are
 * the same and both may be anywhere, flash included. */
#include "gdb/priv.h"

/* "TYPE,ADDR,KIND[;…]": 0 and 1 breakpoints, 2 write, 3 read, 4 access; KIND of those is the length. */
static void point(struct gdb *g, const char *text, bool set)
{
    uint32_t type, addr, kind;
    if (!packet_number(&text, &type) || *text++ != ',' || !packet_number(&text, &addr) || *text++ != ',' ||
        !packet_number(&text, &kind) || (*text != '\0' && *text != ';')) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    bool ok;
    if (type <= 1)
        ok = cpu_break(g->cpu, addr & ~1u, set) || !set; /* one that is gone already is no error */
    else if (type <= 4 && kind != 0 && addr + (kind - 1) >= addr)
        ok = cpu_debug_watch(g->cpu, &(struct cpu_debug_hit){addr, kind, type != 2, type != 3}, set) || !set;
    else if (type <= 4) {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    } else {
        gdb_reply(g, ""); /* not supported */
        return;
    }
    if (ok)
        gdb_reply(g, "OK");
    else
        gdb_error(g, GDB_ERROR_FULL);
}

void gdb_set_point(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    point(g, text, true);
}

void gdb_clear_point(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    point(g, text, false);
}
