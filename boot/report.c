/* The report: what the bootloader knows, as text, one line a fact. */
#include "boot/core/dfu.h"
#include "boot/core/mailbox.h"
#include "boot/findings.h"
#include "boot/text.h"
#include "port/port.h"
#include "usb/serial.h"

static char text[DFU_REPORT_SIZE];
_Static_assert(sizeof text >= 2 * 126 + 300, "two sentences, and what is around them");

static char *append_words(char *to, const char *what, const void *from, unsigned n)
{
    const uint32_t *words = from;
    to = append(to, what);
    while (n-- > 0) {
        *to++ = ' ';
        to = usb_hex(to, *words++);
    }
    return to;
}

const char *report(const struct findings *f, const struct session *s)
{
    static const char *const ways[] = {"verdict", "token", "", "fault", "reset pressed twice", "button"};
    const struct mailbox *m = MAILBOX;
    uint32_t cause = f->cause | (f->undone ? DFU_REPORT_UNDONE : 0);

    char *at = append(text, "sureboot " BOOT_VERSION "\nverdict: ");
    at = append(at, message_sentence(writer_verdict(&s->writer)));
    if (s->why != MESSAGE_READY) {
        at = append(at, "\nlast download: ");
        at = append(at, message_sentence((enum message)s->why));
    }
    at = append(at, "\nin DFU by: ");
    at = append(at, ways[f->way]);
    at = append_words(at, "\nreset cause:", &cause, 1);
    at = append_words(at, "\nunreadable:", &f->facts.content.bad, 1);
    at = append_words(at, "\nledger:", &s->writer.ledger.newest, sizeof s->writer.ledger.newest / 4);
    if (m->magic == MAILBOX_MAGIC && m->check == port_crc(0, m, offsetof(struct mailbox, check)))
        at = append_words(at, "\ncrash:", &m->crash, sizeof m->crash / 4);
    append(at, "\n");
    return text;
}
