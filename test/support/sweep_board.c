/* The power-cut sweep: the board it begins with, what happens at power-on, and downloads after a cut. */
#include "bench/image.h"
#include "board.h"
#include "board/crc32.h"
#include "chip/machine.h"
#include "chip/memory.h"
#include "host/dfuhost.h"
#include "sweep.h"
#include <stdarg.h>
#include <sys/stat.h>

#define BOOT   "build/firmware/boot.elf"
#define FOLDER "build/test/sweep"
#define MS     1000000ULL
enum { WAIT_MS = 1000 };
/* Nothing hangs, also where a half-done erase has left noise in a page of the ledger. */
static const uint64_t start_limit = 8 * MS, refusal_limit = 20 * MS;

static const char *const image_names[SWEEP_IMAGES] = {"old", "new", "third"};

/* ---- what there is before the download --------------------------------------------------- */

static void make_images(struct sweep *s)
{
    static uint8_t image[IMAGE_SIZE];
    for (unsigned i = 0; i < SWEEP_IMAGES; i++) {
        struct sweep_image *m = &s->image[i];
        make_image(image, 7);
        for (uint32_t at = 0; at < CO_SLOT_SIZE; at++)
            m->slot[at] = image[(at + 2048) % IMAGE_SIZE]; /* another program was larger */
        make_image(image, i);
        if (i != SWEEP_OLD)
            memset(image + 3 * CO_PAGE + 1000, 0xFF, 400); /* double words that need no programming */
        m->size = i == SWEEP_THIRD ? s->plan->size - 13 : s->plan->size;
        memset(m->slot, 0xFF, s->plan->size);
        memcpy(m->slot, image, m->size);
    }
}

static bool load(struct sweep *s, uint32_t addr, const void *bytes, size_t size)
{
    return vboard_load_bytes(s->board, addr, bytes, size) ||
           sweep_failed(s, "a board to begin with", "%s", vboard_error(s->board));
}

/* A ledger in use: BEGUN and SEALED in turn; the second page is full of older ones. */
static bool make_ledger(struct sweep *s)
{
    const struct sweep_plan *p = s->plan;
    uint32_t crc = ~crc32_more(CRC32_START, s->image[SWEEP_OLD].slot, s->image[SWEEP_OLD].size);
    bool ok = true;
    for (unsigned i = 0; ok && i < CO_PLACES + p->records; i++) {
        unsigned from_end = CO_PLACES + p->records - 1 - i;
        bool begun = (from_end + p->resumed) % 2 == 1;
        uint8_t bytes[CO_RECORD];
        struct co_record r = {.type = begun ? CO_BEGUN : CO_SEALED,
                              .sequence = p->sequence + i - CO_PLACES,
                              .length = begun ? 0 : s->image[SWEEP_OLD].size,
                              .crc = begun ? 0 : crc};
        if (p->resumed && from_end == 0)
            r = (struct co_record){.type = CO_BEGUN, .sequence = r.sequence};
        co_record_bytes(&r, bytes);
        ok = load(
            s, i < CO_PLACES ? CO_LEDGER + CO_PAGE + i * CO_RECORD : CO_LEDGER + (i - CO_PLACES) * CO_RECORD,
            bytes, sizeof bytes);
    }
    static const uint8_t torn[8] = {0x1E, 0x5B, 0x02, 0, 0xFF, 0xFF, 0xFF, 0xFF};
    for (unsigned i = 0; ok && i < p->torn; i++)
        ok = load(s, CO_LEDGER + (p->records + i) * CO_RECORD, torn, sizeof torn);
    return ok;
}

/* What a cut in the middle of a download leaves: the new image up to a page of which half is programmed,
 * then the old one. */
static bool make_half(struct sweep *s)
{
    uint32_t half = s->plan->size / 2;
    uint8_t ones[CO_PAGE / 2];
    memset(ones, 0xFF, sizeof ones);
    return load(s, CO_SLOT, s->image[SWEEP_NEW].slot, half + CO_PAGE / 2) &&
           load(s, CO_SLOT + half + CO_PAGE / 2, ones, sizeof ones);
}

/* Written for the commands that failures print as well. */
static bool write_file(struct sweep *s, const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes, 1, size, f) == size;
    if (f && fclose(f) != 0)
        ok = false;
    return ok || sweep_failed(s, "a file that can be written", "%s", path);
}

static void on_event(void *arg, const struct vboard_event *e);

static bool create(struct sweep *s, unsigned seed)
{
    const struct vboard_config config = {.seed = seed};
    s->board = vboard_create(&config);
    if (!s->board)
        return sweep_failed(s, "a board", "no memory");
    memset(&s->kept, 0, sizeof s->kept);
    s->kept.oracle.board = s->board;
    s->fault[0] = '\0';
    vboard_on_event(s->board, on_event, s);
    return true;
}

bool sweep_prepare(struct sweep *s)
{
    char path[128];
    make_images(s);
    (void)mkdir(FOLDER, 0755); /* there already, as a rule */
    (void)snprintf(path, sizeof path, FOLDER "/%s.bin", s->plan->name);
    bool ok = write_file(s, path, s->image[SWEEP_NEW].slot, s->image[SWEEP_NEW].size) && create(s, 1);
    if (ok && !vboard_load_file(s->board, BOOT, VBOARD_NO_ADDR))
        ok = sweep_failed(s, "a bootloader", "%s", vboard_error(s->board));
    ok = ok && load(s, CO_SLOT, s->image[SWEEP_OLD].slot, CO_SLOT_SIZE) && make_ledger(s);
    if (ok && s->plan->resumed) {
        ok = make_half(s);
    } else if (ok) {
        /* The old application leaves the token: the next power-on serves DFU. */
        s->kept.oracle.sealed = s->image[SWEEP_OLD].slot;
        ok = sweep_power_on(s);
        (void)vboard_run(s->board, 5 * MS, NULL, NULL);
    }
    (void)snprintf(path, sizeof path, FOLDER "/%s.state", s->plan->name);
    if (ok && !vboard_write_state(s->board, path))
        ok = sweep_failed(s, "a state to begin with", "%s", vboard_error(s->board));
    sweep_close(s);
    return ok;
}

/* ---- the board --------------------------------------------------------------------------- */

static void on_event(void *arg, const struct vboard_event *e)
{
    struct sweep *s = arg;
    struct sweep_kept *k = &s->kept;
    switch (e->kind) {
    case VE_FLASH: co_operation(&k->oracle, e); break;
    case VE_RESET:
        if (k->resets++ == 0)
            k->reset_at = e->t;
        break;
    case VE_HANDOFF:
        if (k->handoffs++ == 0)
            k->handoff_at = e->t;
        break;
    case VE_USB:
        if (strcmp(e->name, "attached") == 0 && k->attached++ == 0)
            k->attached_at = e->t;
        break;
    case VE_FAULT:
        if (strcmp(e->name, "NMI") == 0) /* a word that ECC cannot correct was read: as it should be */
            break;
        (void)snprintf(s->fault, sizeof s->fault, "%s at 0x%08x", e->name, (unsigned)e->pc);
        break;
    case VE_MISSING:
        (void)snprintf(s->fault, sizeof s->fault, "0x%08x touched, which is not modelled", (unsigned)e->a);
        break;
    default: break;
    }
}

static void watch(struct sweep *s)
{
    s->kept.handoffs = s->kept.attached = s->kept.resets = 0;
}

bool sweep_open(struct sweep *s, unsigned seed)
{
    static const struct usbhost_config usb = {.enumerate = true, .settle_ns = 5 * MS};
    char path[128];
    (void)snprintf(path, sizeof path, FOLDER "/%s.state", s->plan->name);
    if (!create(s, seed))
        return false;
    if (!vboard_read_state(s->board, path))
        return sweep_failed(s, "the state", "%s", vboard_error(s->board));
    s->host = usbhost_create(s->board, &usb);
    if (!s->host || !board_keep(s->board, &s->kept, sizeof s->kept))
        return sweep_failed(s, "a USB host", "no memory");
    s->kept.oracle.sealed = s->image[SWEEP_OLD].slot;
    s->kept.oracle.unfinished = s->plan->resumed;
    watch(s);
    vboard_power(s->board, true, false);
    co_power_on(&s->kept.oracle);
    if (!usbhost_wait_attached(s->host, WAIT_MS * MS) || s->kept.handoffs)
        return sweep_failed(s, "DFU by the token", "%u starts", s->kept.handoffs);
    co_download(&s->kept.oracle, s->image[SWEEP_NEW].slot, s->image[SWEEP_NEW].size);
    dfuwalk_start(&s->kept.walk, s->board, s->host, CO_SLOT, s->image[SWEEP_NEW].slot,
                  s->image[SWEEP_NEW].size);
    return true;
}

void sweep_close(struct sweep *s)
{
    if (s->host)
        usbhost_destroy(s->host);
    s->host = NULL;
    vboard_destroy(s->board);
    s->board = NULL;
}

/* ---- the verdict ------------------------------------------------------------------------- */

static bool decided(void *arg)
{
    const struct sweep *s = arg;
    return s->kept.handoffs > 0 || s->fault[0] || s->kept.attached > 0;
}

static bool spoken_to(void *arg)
{
    const struct sweep *s = arg;
    return s->kept.handoffs > 0 || s->fault[0] || usbhost_state(s->host) == UH_ADDRESSED;
}

static uint64_t hash_more(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3U; /* FNV-1a */
    return hash;
}

/* Up to the pull-up all that is in SRAM, but for the stack, is what was copied and unpacked there, always the
 * same. So its registers, its stack, the ledger with its check bits and the backup domain are all it can go
 * by. */
static uint64_t what_it_knows(struct sweep *s)
{
    enum { FIRST_SP = CO_FLASH, SP = 13 };
    uint8_t stack[4096], ledger[2 * CO_PAGE];
    uint32_t sp = vboard_reg(s->board, SP), top = vboard_peek32(s->board, FIRST_SP);
    uint32_t words[CHIP_BACKUP_WORDS] = {0};
    uint64_t hash = 0xCBF29CE484222325U;
    if (top < sp || top - sp > sizeof stack || !vboard_peek(s->board, sp, stack, top - sp) ||
        !vboard_peek(s->board, CO_LEDGER, ledger, sizeof ledger) ||
        !chip_backup_read(board_chip(s->board), words))
        return 0;
    for (unsigned n = 0; n < 16; n++) {
        uint32_t r = vboard_reg(s->board, n);
        hash = hash_more(hash, &r, sizeof r);
    }
    hash = hash_more(hash, stack, top - sp);
    hash = hash_more(hash, ledger, sizeof ledger);
    hash = hash_more(hash, chip_nvm_look(board_chip(s->board))->flash_ecc + (CO_LEDGER - CO_FLASH) / 8,
                     sizeof ledger / 8);
    return hash_more(hash, words, sizeof words);
}

static bool is_known(const struct sweep *s, uint64_t what)
{
    for (unsigned i = 0; what && i < s->known_count; i++)
        if (s->known[i] == what)
            return true;
    return false;
}

/* What the product string says behind the version. */
static void read_product(struct sweep *s, char *text, size_t size)
{
    const uint8_t *device = usbhost_device_descriptor(s->host);
    uint8_t raw[255];
    uint32_t n = 0;
    size_t length = 0;
    text[0] = '\0';
    if (!device || usbhost_control(s->host, 0x80, 6, (uint16_t)(0x0300 | device[15]), 0x0409, raw, sizeof raw,
                                   &n) != UH_OK)
        return;
    for (uint32_t i = 2; i < n && length + 1 < size; i += 2) {
        text[length++] = (char)raw[i];
        if (raw[i] == ' ' && length >= 2 && text[length - 2] == ':')
            length = 0;
    }
    text[length] = '\0';
}

static bool in_time(struct sweep *s, uint64_t at, uint64_t limit, uint64_t *slowest)
{
    uint64_t took = at - s->kept.reset_at;
    if (took > *slowest)
        *slowest = took;
    return took <= limit ||
           sweep_failed(s, "a verdict in time after the reset", "%.1f ms", (double)took / 1e6);
}

/* The board is coming up: it does what the oracle says. */
static bool judge(struct sweep *s)
{
    struct cutoracle *o = &s->kept.oracle;
    const char *expected = o->unfinished ? "refused: download unfinished" : "started";
    char product[64];
    enum vboard_stop stop = vboard_run(s->board, WAIT_MS * MS, decided, s);
    if (s->fault[0])
        return sweep_failed(s, expected, "%s", s->fault);
    if (stop != VB_CONDITION)
        return sweep_failed(s, expected, "neither an application nor DFU (%d), pc 0x%08x", (int)stop,
                            (unsigned)vboard_reg(s->board, 15));
    uint64_t what = s->kept.handoffs || !o->unfinished ? 0 : what_it_knows(s);
    if (s->brief && is_known(s, what)) {
        s->shared++;
        return in_time(s, s->kept.attached_at, refusal_limit, &s->slowest_refusal);
    }
    s->followed += what != 0;
    if (!s->kept.handoffs && vboard_run(s->board, WAIT_MS * MS, spoken_to, s) != VB_CONDITION)
        return sweep_failed(s, expected, "a pull-up and no USB device");
    if (s->fault[0])
        return sweep_failed(s, expected, "%s", s->fault);
    if (s->kept.handoffs) {
        for (unsigned i = 0; i < SWEEP_IMAGES && o->unfinished; i++)
            if (co_slot_is(o, s->image[i].slot))
                return sweep_failed(s, expected, "%s image started", image_names[i]);
        if (!co_slot_is(o, o->sealed))
            return sweep_failed(s, expected, "a damaged image started");
        return o->unfinished ? sweep_failed(s, expected, "started")
                             : in_time(s, s->kept.handoff_at, start_limit, &s->slowest_start);
    }
    read_product(s, product, sizeof product);
    if (!o->unfinished || strcmp(product, "download unfinished") != 0)
        return sweep_failed(s, expected, "refused: %s", product);
    if (what && s->known_count < SWEEP_KNOWN && !is_known(s, what))
        s->known[s->known_count++] = what;
    return in_time(s, s->kept.attached_at, refusal_limit, &s->slowest_refusal);
}

/* A third of the cases each: VBAT keeps the backup domain; it is lost; it is kept, and the RTC has a wake-up
 * flag set, so that power-on looks like a wake from Shutdown. */
static void vary_backup(struct sweep *s)
{
    enum { BDCR = 0, ISR = 5 };
    uint32_t words[CHIP_BACKUP_WORDS];
    struct chip *c = board_chip(s->board);
    unsigned way = (unsigned)(s->now.hash >> 40) % 3;
    size_t used = strlen(s->at);
    if (way == 1) {
        vboard_power(s->board, false, false);
    } else if (way == 2 && chip_backup_read(c, words)) {
        words[BDCR] |= 1U << 15 | 1U << 8 | 3; /* RTCEN, RTCSEL = LSE, LSERDY, LSEON */
        words[ISR] |= 1U << 10;                /* WUTF */
        chip_backup_write(c, words);
    }
    (void)snprintf(s->at + used, sizeof s->at - used, "%s",
                   way == 0   ? ""
                   : way == 1 ? ", VBAT lost"
                              : ", RTC woken");
}

bool sweep_power_on(struct sweep *s)
{
    struct cutoracle *o = &s->kept.oracle;
    if (o->wrong[0])
        return sweep_failed(s, "operations in their order", "%s", o->wrong);
    if (s->now.operation && !co_untouched(o))
        return sweep_failed(s, "nothing changed but by that operation", "another place in flash changed");
    if (s->now.operation)
        vary_backup(s);
    watch(s);
    vboard_power(s->board, true, false);
    co_power_on(o);
    return judge(s);
}

/* ---- downloads after a cut --------------------------------------------------------------- */

/* The application, if it runs, has left its token. */
static bool to_dfu(struct sweep *s)
{
    if (s->kept.handoffs) {
        (void)vboard_run(s->board, 5 * MS, NULL, NULL);
        watch(s);
        vboard_nrst(s->board, 20000);
        (void)usbhost_wait_detached(s->host, MS);
    }
    return usbhost_wait_attached(s->host, WAIT_MS * MS) ||
           sweep_failed(s, "DFU after NRST with the token", "no USB device");
}

static bool started(void *arg)
{
    const struct sweep *s = arg;
    return s->kept.handoffs > 0 || s->fault[0];
}

/* Leave, as dfu-util asks for it; then the image starts. */
static bool leave(struct sweep *s, const struct sweep_image *image)
{
    struct cutoracle *o = &s->kept.oracle;
    uint8_t status[6] = {0};
    watch(s);
    if (usbhost_control(s->host, 0x21, 1, 2, 0, NULL, 0, NULL) != UH_OK ||
        usbhost_control(s->host, 0xA1, 3, 0, 0, status, sizeof status, NULL) != UH_OK || status[0] != 0)
        return sweep_failed(s, "leave accepted", "status %u", status[0]);
    (void)vboard_run(s->board, WAIT_MS * MS, started, s);
    co_quiet(o);
    if (o->wrong[0])
        return sweep_failed(s, "operations in their order", "%s", o->wrong);
    if (!s->kept.handoffs || o->unfinished || o->sealed != image->slot)
        return sweep_failed(s, "the new image sealed and started", "%u starts, %s %s", s->kept.handoffs,
                            o->unfinished ? "unfinished" : "not sealed", s->fault);
    return co_slot_is(o, image->slot) || sweep_failed(s, "the new image in the slot", "something else");
}

/* Back in DFU, the verdict can be read over USB. */
static bool read_verdict(struct sweep *s)
{
    char product[64];
    if (!to_dfu(s))
        return false;
    read_product(s, product, sizeof product);
    return strcmp(product, "ready") == 0 || sweep_failed(s, "verdict 'ready' over USB", "'%s'", product);
}

bool sweep_recover(struct sweep *s, unsigned image, unsigned cut_at, enum vboard_cut model)
{
    const struct sweep_image *m = &s->image[image];
    const struct dfu_element element = {CO_SLOT, m->slot, m->size};
    const struct dfu_job job = {.elements = &element, .element_count = 1, .limit_ns = 30000 * MS};
    struct dfu_result result;
    size_t used = strlen(s->at);
    (void)snprintf(s->at + used, sizeof s->at - used, ", then a download of %s", image_names[image]);
    if (!to_dfu(s))
        return false;
    co_download(&s->kept.oracle, m->slot, m->size);
    vboard_cut(s->board, cut_at, cut_at ? model : CUT_NONE);
    dfu_run(s->host, &job, &result);
    vboard_cut(s->board, 0, CUT_NONE);
    if (!vboard_powered(s->board)) {
        s->second_cuts++;
        used = strlen(s->at);
        (void)snprintf(s->at + used, sizeof s->at - used, " cut at operation %u:%s", cut_at,
                       model == CUT_BEFORE  ? "before"
                       : model == CUT_AFTER ? "after"
                                            : "torn");
        co_cut(&s->kept.oracle, model);
        return sweep_power_on(s) && sweep_recover(s, (image + 1) % SWEEP_IMAGES, 0, CUT_NONE);
    }
    if (!result.ok)
        return sweep_failed(s, "a download that is accepted", "%s; %s", result.error, result.string);
    return leave(s, m) && read_verdict(s);
}
