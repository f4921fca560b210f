/* The transfer queues of the in-process USB host, one a pipe: what goes in, what comes out and how. */
#include "host/priv.h"

/* Those of the device and the host's own. */
enum { ALL_PIPES = PIPES + 1 };
static struct pipe *pipe_at(struct usbhost *h, unsigned i)
{
    return i < PIPES ? host_pipe(h, i) : &h->own_pipe;
}

static struct pipe *pipe_of(struct usbhost *h, uint8_t endpoint)
{
    struct pipe *out = &h->pipes[0][endpoint & 15];
    return endpoint & 0x80 && out->type != PIPE_CONTROL ? &h->pipes[1][endpoint & 15] : out;
}

void host_finish(struct usbhost *h, struct pipe *p, int status)
{
    struct usbhost_transfer *t = p->head;
    p->head = t->next;
    if (!p->head)
        p->tail = NULL;
    p->stage = STAGE_SETUP;
    p->silent = 0;
    p->zero_due = false;
    p->packet_at = 0;
    t->next = NULL;
    t->status = status;
    if (status == UH_OK && p->type == PIPE_CONTROL)
        host_learn(h, t);
    if (t->done)
        t->done(t, t->arg);
}

/* Takes all first, so that what their `done` submits is not ended as well. */
void host_gone(struct usbhost *h, int status)
{
    struct usbhost_transfer *all = NULL, **end = &all;
    h->iso_due = 0;
    for (unsigned i = 0; i < ALL_PIPES; i++) {
        struct pipe *p = pipe_at(h, i);
        *end = p->head;
        while (*end)
            end = &(*end)->next;
        p->head = p->tail = NULL;
        p->stage = STAGE_SETUP;
        p->silent = 0;
        p->zero_due = false;
        p->packet_at = 0;
    }
    while (all) {
        struct usbhost_transfer *t = all;
        all = t->next;
        t->next = NULL;
        t->status = status;
        if (t->done)
            t->done(t, t->arg);
    }
}

/* A transfer whose kind its endpoint no longer has, or never had. */
static bool misfit(const struct pipe *p, const struct usbhost_transfer *t)
{
    return (p->type == PIPE_ISOCHRONOUS) != (t->packets != NULL);
}

bool usbhost_submit(struct usbhost *h, struct usbhost_transfer *t)
{
    struct pipe *p = pipe_of(h, t->endpoint);
    if (h->port == PORT_EMPTY || h->port == PORT_SETTLE || h->port == PORT_FAILED)
        t->status = UH_GONE;
    else if (misfit(p, t))
        t->status = UH_INVALID;
    else
        t->status = t->packets ? host_iso_check(h, p, t) : UH_OK;
    if (t->status != UH_OK)
        return false;
    t->status = UH_PENDING;
    t->actual = 0;
    t->naks = 0;
    if (t->packets)
        host_iso_begin(h, p, t);
    t->next = NULL;
    t->deadline = t->timeout_ns ? chip_now(h->chip) + t->timeout_ns * 1000 : PS_NEVER;
    if (p->tail)
        p->tail->next = t;
    else
        p->head = t;
    p->tail = t;
    host_plan(h);
    return true;
}

static void take_out(struct usbhost *h, struct pipe *p, struct usbhost_transfer *t, int status)
{
    if (p->head == t) {
        host_finish(h, p, status);
        return;
    }
    struct usbhost_transfer *before = p->head;
    while (before->next != t)
        before = before->next;
    before->next = t->next;
    if (p->tail == t)
        p->tail = before;
    t->next = NULL;
    t->status = status;
    if (t->done)
        t->done(t, t->arg);
}

void usbhost_cancel(struct usbhost *h, struct usbhost_transfer *t)
{
    if (t->status != UH_PENDING)
        return;
    /* By search: the endpoint's type may have changed since it was queued. */
    for (unsigned i = 0; i < ALL_PIPES; i++) {
        struct pipe *p = pipe_at(h, i);
        for (struct usbhost_transfer *q = p->head; q; q = q->next) {
            if (q == t) {
                take_out(h, p, t, UH_CANCELLED);
                return;
            }
        }
    }
}

bool host_end_one(struct usbhost *h, ps_t now)
{
    for (unsigned i = 0; i < ALL_PIPES; i++) {
        struct pipe *p = pipe_at(h, i);
        for (struct usbhost_transfer *t = p->head; t; t = t->next) {
            if (t->deadline <= now || misfit(p, t)) {
                take_out(h, p, t, misfit(p, t) ? UH_CANCELLED : UH_TIMEOUT);
                return true;
            }
        }
    }
    return false;
}

ps_t host_first_deadline(struct usbhost *h)
{
    ps_t first = PS_NEVER;
    for (unsigned i = 0; i < ALL_PIPES; i++) {
        for (const struct usbhost_transfer *t = pipe_at(h, i)->head; t; t = t->next) {
            if (t->deadline < first)
                first = t->deadline;
        }
    }
    return first;
}
