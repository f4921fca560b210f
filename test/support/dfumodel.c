/* The model of a DFU device: transitions as a table, and the slot as a host that keeps books sees it. */
#include "dfumodel.h"
#include <string.h>

/* ---- states ------------------------------------------------------------------------------ */

#define B(s)  MODEL_BIT(MODEL_##s)
#define SAME  0x80000000u /* the state stays */
#define ERR   B(ERROR)
#define NEVER 0u

/* States that may follow if the request is carried out, and if it is stalled. Every unexpected request
 * is stalled and leads to dfuERROR (A.2); a device on its way out, or in dfuERROR, only stalls it.
 * AN3156: GETSTATUS is answered in dfuDNBUSY, and a zero-length DNLOAD leaves from dfuIDLE too. */
static const struct {
    uint32_t done, stalled;
} table[MODEL_STATES][MODEL_REQUESTS] = {
    /* clang-format off */
    [MODEL_IDLE] = {
        [MODEL_DETACH] = {NEVER, ERR},               [MODEL_DNLOAD] = {B(DNLOAD_SYNC) | ERR, ERR},
        [MODEL_LEAVE] = {B(MANIFEST_SYNC), ERR},     [MODEL_UPLOAD] = {B(UPLOAD_IDLE) | B(IDLE), ERR},
        [MODEL_GETSTATUS] = {B(IDLE) | ERR, NEVER},  [MODEL_CLRSTATUS] = {NEVER, ERR},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {B(IDLE) | ERR, ERR},
        [MODEL_OTHER] = {NEVER, ERR}},
    [MODEL_DNLOAD_SYNC] = {
        [MODEL_DETACH] = {NEVER, ERR},               [MODEL_DNLOAD] = {NEVER, ERR},
        [MODEL_LEAVE] = {NEVER, ERR},                [MODEL_UPLOAD] = {NEVER, ERR},
        [MODEL_GETSTATUS] = {B(DNBUSY) | ERR, NEVER}, [MODEL_CLRSTATUS] = {NEVER, ERR},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {NEVER, ERR},
        [MODEL_OTHER] = {NEVER, ERR}},
    [MODEL_DNBUSY] = {
        [MODEL_DETACH] = {NEVER, ERR},               [MODEL_DNLOAD] = {NEVER, ERR},
        [MODEL_LEAVE] = {NEVER, ERR},                [MODEL_UPLOAD] = {NEVER, ERR},
        [MODEL_GETSTATUS] = {B(DNBUSY) | B(DNLOAD_IDLE) | ERR, NEVER}, [MODEL_CLRSTATUS] = {NEVER, ERR},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {NEVER, ERR},
        [MODEL_OTHER] = {NEVER, ERR}},
    [MODEL_DNLOAD_IDLE] = {
        [MODEL_DETACH] = {NEVER, ERR},               [MODEL_DNLOAD] = {B(DNLOAD_SYNC) | ERR, ERR},
        [MODEL_LEAVE] = {B(MANIFEST_SYNC), ERR},     [MODEL_UPLOAD] = {NEVER, ERR},
        [MODEL_GETSTATUS] = {B(DNLOAD_IDLE) | ERR, NEVER}, [MODEL_CLRSTATUS] = {NEVER, ERR},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {B(IDLE) | ERR, ERR},
        [MODEL_OTHER] = {NEVER, ERR}},
    [MODEL_MANIFEST_SYNC] = {
        [MODEL_DETACH] = {NEVER, SAME},              [MODEL_DNLOAD] = {NEVER, SAME},
        [MODEL_LEAVE] = {NEVER, SAME},               [MODEL_UPLOAD] = {NEVER, SAME},
        [MODEL_GETSTATUS] = {B(MANIFEST) | B(IDLE) | ERR, NEVER}, [MODEL_CLRSTATUS] = {NEVER, SAME},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {NEVER, SAME},
        [MODEL_OTHER] = {NEVER, SAME}},
    [MODEL_MANIFEST] = {
        [MODEL_DETACH] = {NEVER, SAME},              [MODEL_DNLOAD] = {NEVER, SAME},
        [MODEL_LEAVE] = {NEVER, SAME},               [MODEL_UPLOAD] = {NEVER, SAME},
        [MODEL_GETSTATUS] = {SAME, NEVER},           [MODEL_CLRSTATUS] = {NEVER, SAME},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {NEVER, SAME},
        [MODEL_OTHER] = {NEVER, SAME}},
    [MODEL_UPLOAD_IDLE] = {
        [MODEL_DETACH] = {NEVER, ERR},               [MODEL_DNLOAD] = {NEVER, ERR},
        [MODEL_LEAVE] = {NEVER, ERR},                [MODEL_UPLOAD] = {B(UPLOAD_IDLE) | B(IDLE), ERR},
        [MODEL_GETSTATUS] = {B(UPLOAD_IDLE), NEVER}, [MODEL_CLRSTATUS] = {NEVER, ERR},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {B(IDLE) | ERR, ERR},
        [MODEL_OTHER] = {NEVER, ERR}},
    [MODEL_ERROR] = {
        [MODEL_DETACH] = {NEVER, SAME},              [MODEL_DNLOAD] = {NEVER, SAME},
        [MODEL_LEAVE] = {NEVER, SAME},               [MODEL_UPLOAD] = {NEVER, SAME},
        [MODEL_GETSTATUS] = {SAME, NEVER},           [MODEL_CLRSTATUS] = {B(IDLE), NEVER},
        [MODEL_GETSTATE] = {SAME, NEVER},            [MODEL_ABORT] = {NEVER, SAME},
        [MODEL_OTHER] = {NEVER, SAME}},
    /* clang-format on */
};

const char *model_state_name(unsigned state)
{
    static const char *const names[MODEL_STATES] = {
        [MODEL_IDLE] = "dfuIDLE",
        [MODEL_DNLOAD_SYNC] = "dfuDNLOAD-SYNC",
        [MODEL_DNBUSY] = "dfuDNBUSY",
        [MODEL_DNLOAD_IDLE] = "dfuDNLOAD-IDLE",
        [MODEL_MANIFEST_SYNC] = "dfuMANIFEST-SYNC",
        [MODEL_MANIFEST] = "dfuMANIFEST",
        [MODEL_UPLOAD_IDLE] = "dfuUPLOAD-IDLE",
        [MODEL_ERROR] = "dfuERROR",
    };
    return state < MODEL_STATES && names[state] ? names[state] : "no state";
}

static uint32_t word(const uint8_t *at, unsigned n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | at[n];
    return value;
}

enum model_request model_request(const uint8_t s[8])
{
    static const uint8_t types[7] = {0x21, 0x21, 0xA1, 0xA1, 0x21, 0xA1, 0x21};
    static const enum model_request is[7] = {MODEL_DETACH,    MODEL_DNLOAD,   MODEL_UPLOAD, MODEL_GETSTATUS,
                                             MODEL_CLRSTATUS, MODEL_GETSTATE, MODEL_ABORT};
    if ((s[0] & 0x7F) != 0x21 || word(s + 4, 2) != 0)
        return MODEL_NOT_DFU;
    if (s[1] >= 7 || types[s[1]] != s[0])
        return MODEL_OTHER;
    bool has_data = word(s + 6, 2) != 0;
    if (is[s[1]] == MODEL_DNLOAD)
        return has_data ? MODEL_DNLOAD : MODEL_LEAVE;
    return s[0] == 0x21 && has_data ? MODEL_OTHER : is[s[1]];
}

/* ---- the slot ---------------------------------------------------------------------------- */

/* What is in the slot now is nobody's image; what flash holds is not known. */
static void end_session(struct model *m)
{
    if (m->active) {
        memset(m->slot.care, 0, sizeof m->slot.care);
        m->broken = true;
    }
    m->active = m->suspended = false;
    memset(m->owed, 0, sizeof m->owed);
}

static void begin_session(struct model *m, bool plain)
{
    if (m->active)
        return;
    m->active = true;
    m->plain = plain;
    m->has_data = m->has_start = m->suspended = false;
    m->end = 0;
    m->before = m->broken ? 0 : m->images[0].size; /* what comes may be the rest of one that failed */
}

static void erase(struct model *m, uint32_t page)
{
    memset(m->slot.bytes + page * MODEL_PAGE, 0xFF, MODEL_PAGE);
    memset(m->slot.care + page * MODEL_PAGE, 1, MODEL_PAGE);
}

static void put(struct model *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
    if (offset > MODEL_SLOT_SIZE || size > MODEL_SLOT_SIZE - offset)
        return; /* the device has to refuse that, which its status tells */
    memcpy(m->slot.bytes + offset, data, size);
    memset(m->slot.care + offset, 1, size);
    for (uint32_t page = offset / MODEL_PAGE; page * MODEL_PAGE < offset + size; page++)
        m->owed[page] = false;
    m->has_data = true;
    m->has_start |= offset == 0;
    if (offset + size > m->end)
        m->end = offset + size;
}

static void plain_block(struct model *m, const uint8_t *data, uint32_t size)
{
    for (uint32_t page = (m->end + MODEL_PAGE - 1) / MODEL_PAGE;
         page < MODEL_PAGES && page * MODEL_PAGE < m->end + size; page++)
        erase(m, page);
    put(m, m->end, data, size);
}

static void command(struct model *m, const uint8_t *data, uint32_t size)
{
    uint32_t addr = word(data + 1, 4);
    if (data[0] == 0x21 && size == 5) {
        m->pointer = addr;
        m->stride = 0;
    } else if (data[0] == 0x41) {
        begin_session(m, false);
        for (uint32_t page = 0; page < MODEL_PAGES; page++) {
            if (size == 1 || (addr - MODEL_SLOT) / MODEL_PAGE == page) {
                erase(m, page);
                m->owed[page] = size == 5;
            }
        }
    }
}

static void dnload(struct model *m, uint32_t number, const uint8_t *data, uint32_t size)
{
    if (size == 0)
        return;
    if ((m->active && m->plain) || (!m->active && number == 0 && size > 5)) {
        begin_session(m, true);
        plain_block(m, data, size);
    } else if (number >= 2) {
        begin_session(m, false);
        if (m->stride == 0)
            m->stride = size;
        put(m, m->pointer + (number - 2) * m->stride - MODEL_SLOT, data, size);
    } else if (number == 0 && (size == 1 || size == 5)) {
        command(m, data, size);
    }
}

/* The host has said that this was all. */
static void complete(struct model *m)
{
    bool owes = false;
    for (unsigned i = 0; i < MODEL_PAGES; i++)
        owes |= m->owed[i];
    uint32_t size = m->has_start ? m->end : m->before;
    if (!m->active || !m->has_data || (owes && !m->plain) || size == 0)
        return;
    m->active = m->broken = false;
    memmove(m->images + 1, m->images, (MODEL_IMAGES - 1) * sizeof *m->images);
    m->images[0] = m->slot;
    m->images[0].size = size;
}

bool model_may_start(const struct model *m, const uint8_t *flash)
{
    for (unsigned i = 0; i < MODEL_IMAGES; i++) {
        const struct model_image *image = &m->images[i];
        bool same = image->size > 0;
        for (uint32_t k = 0; k < image->size && same; k++)
            same = !image->care[k] || flash[k] == image->bytes[k];
        if (same)
            return true;
    }
    return m->unsure;
}

void model_init(struct model *m, const void *image, uint32_t size)
{
    memset(m, 0, sizeof *m);
    m->states = B(IDLE);
    m->pointer = MODEL_SLOT;
    if (size > 0) {
        memcpy(m->slot.bytes, image, size);
        memset(m->slot.care, 1, size);
        m->images[0] = m->slot;
        m->images[0].size = size;
    }
}

/* ---- what happens ------------------------------------------------------------------------ */

static uint32_t after(uint32_t states, enum model_request r, bool done)
{
    uint32_t next = 0;
    for (unsigned s = 0; s < MODEL_STATES; s++) {
        uint32_t to = done ? table[s][r].done : table[s][r].stalled;
        if (states & MODEL_BIT(s))
            next |= to == SAME ? MODEL_BIT(s) : to;
    }
    return next;
}

/* What a request does besides the state; `size` bytes of data are over. */
static void effects(struct model *m, const uint8_t s[8], enum model_request r, const uint8_t *data,
                    uint32_t size)
{
    if (m->suspended && r != MODEL_DNLOAD)
        end_session(m);
    m->suspended = false;
    switch (r) {
    case MODEL_DNLOAD:
        m->leaving = false;
        dnload(m, word(s + 2, 2), data, size);
        break;
    case MODEL_LEAVE:
        m->leaving = true;
        m->stride = 0;
        complete(m);
        m->active = false;
        break;
    case MODEL_ABORT:
        m->stride = 0;
        m->leaving = false;
        if (m->plain)
            end_session(m);
        else
            complete(m);
        break;
    case MODEL_CLRSTATUS: /* it has been in dfuERROR, even if nobody knew */
        end_session(m);
        m->leaving = false;
        break;
    default: break;
    }
}

static const char *look_at_status(struct model *m, const uint8_t *data, uint32_t size)
{
    if (size > 4 && data[4] < MODEL_STATES && (m->states & MODEL_BIT(data[4])))
        m->states = MODEL_BIT(data[4]);
    else if (size > 4)
        return "bState does not follow from the state before";
    if (size > 4 && (data[0] == 0) != (data[4] != MODEL_ERROR))
        return "bStatus and bState contradict each other";
    if (size > 3 && word(data + 1, 3) > 8000)
        return "bwPollTimeout is more than 8 s";
    return NULL;
}

const char *model_answer(struct model *m, const uint8_t s[8], bool accepted, const uint8_t *data,
                         uint32_t size)
{
    enum model_request r = model_request(s);
    if (r == MODEL_NOT_DFU)
        return NULL;
    uint32_t next = after(m->states, r, accepted);
    if (next == 0)
        return accepted ? "carried out in a state in which it has to be stalled"
                        : "stalled in a state in which it has to be answered";
    m->states = next;
    const char *wrong = NULL;
    if (accepted) {
        if (r == MODEL_GETSTATE && size == 1) {
            if (data[0] >= MODEL_STATES || !(m->states & MODEL_BIT(data[0])))
                return "GETSTATE tells a state that does not follow from the one before";
            m->states = MODEL_BIT(data[0]);
        }
        if (r == MODEL_GETSTATUS)
            wrong = look_at_status(m, data, size);
        if (r == MODEL_UPLOAD && size < word(s + 6, 2))
            m->states &= B(IDLE);                          /* a short block is the last one */
        else if (r == MODEL_UPLOAD && word(s + 2, 2) != 0) /* 0: the list of commands */
            m->states &= B(UPLOAD_IDLE);
    }
    if (accepted || m->suspended)
        effects(m, s, accepted ? r : MODEL_OTHER, data, size);
    if (m->states == B(ERROR)) {
        end_session(m);
        m->leaving = false;
    }
    return wrong;
}

void model_abandoned(struct model *m, const uint8_t s[8], const uint8_t *data, uint32_t size)
{
    enum model_request r = model_request(s);
    if (r == MODEL_NOT_DFU)
        return;
    bool leaving = m->leaving;
    m->states |= after(m->states, r, true) | after(m->states, r, false);
    if (r != MODEL_DNLOAD || size > 0)
        effects(m, s, r, data, size);
    m->leaving |= leaving || (m->states & B(MANIFEST_SYNC));
    if (r == MODEL_LEAVE || r == MODEL_ABORT)
        m->unsure = true; /* did the session end? */
}

void model_bus_reset(struct model *m)
{
    end_session(m);
    m->states = B(IDLE) | (m->states & (B(MANIFEST_SYNC) | B(MANIFEST)));
    m->stride = 0;
}

void model_set_interface(struct model *m)
{
    uint32_t whole = B(IDLE) | B(DNLOAD_IDLE);
    if (m->states & ~whole && m->states & whole && m->active)
        m->unsure = true;
    if (!(m->states & whole) || m->plain)
        end_session(m);
    m->suspended = m->active;
    m->states = B(IDLE) | (m->states & (B(MANIFEST_SYNC) | B(MANIFEST) | B(ERROR)));
    m->stride = 0;
}
