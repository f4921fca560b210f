/* The report: what the bootloader knows, as text, one line a fact. */
#include "boot/core/dfu.h"
#include "boot/core/mailbox.h"
#include "boot/findings.h"
#include "port/port.h"

static struct {
    char text[DFU_REPORT_SIZE];
    size_t at;
} out;

static void put(const char *s)
{
    while (*s && out.at < sizeof out.text - 1)
        out.text[out.at++] = *s++;
    out.text[out.at] = '\0';
}

/* `what` and then so many words in hexadecimal. */
static void put_words(const char *what, const void *from, unsigned n)
{
    const uint32_t *words = from;
    put(what);
    while (n-- > 0) {
        uint32_t word = *words++;
        char hex[] = " 00000000";
        for (unsigned i = 9; i-- > 1; word >>= 4)
            hex[i] = "0123456789abcdef"[word & 15];
        put(hex);
    }
}

const char *report(const struct findings *f, enum message verdict, enum message last)
{
    static const char *const ways[] = {"verdict", "token", "", "fault", "reset pressed twice", "button"};
    const struct mailbox *m = MAILBOX;
    uint32_t cause = f->cause | (f->undone ? 0x200u : 0);

    out.at = 0;
    put("sureboot " BOOT_VERSION "\nverdict: ");
    put(message_sentence(verdict));
    put("\nlast download: ");
    put(message_sentence(last));
    put("\nin DFU by: ");
    put(ways[f->way]);
    put_words("\nreset cause:", &cause, 1);
    put_words("\nunreadable:", &f->content.bad, 1);
    put_words("\nledger:", &f->facts.ledger.newest, sizeof f->facts.ledger.newest / 4);
    if (m->magic == MAILBOX_MAGIC && m->check == port_crc(0, m, offsetof(struct mailbox, check)))
        put_words("\ncrash:", &m->crash, sizeof m->crash / 4);
    put("\n");
    return out.text;
}
