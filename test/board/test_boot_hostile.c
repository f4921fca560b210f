/* The running bootloader against a hostile host: random and mutated control requests, interrupted stages,
 * wrong toggles, resets, in every state of DFU. It has to go on answering as the class wants it, touch
 * nothing but slot and ledger, and start only what was sent completely. Each case begins with a snapshot
 * of a board in one of the states, is made from its number alone, and is reduced when it fails. */
#include "bench.h"
#include "hostile.h"

enum { SEEN = 100 }; /* each request in each state, at least */

static struct hostile h;
static uint8_t image[IMAGE_MAX], boot[0x4000];

/* ---- scenes ------------------------------------------------------------------------------ */

struct scene {
    const char *name;
    unsigned state;
    struct vboard_snapshot *snapshot;
    struct model *model;
};
enum { SCENES = 48 };
static struct scene scenes[SCENES];
static unsigned scene_count;

static void must(bool ok)
{
    if (!ok)
        fail_msg("%s", h.wrong[0] ? h.wrong : "it went another way than it should");
}

static void send(uint8_t request, uint16_t value, uint16_t length, uint32_t offset)
{
    const struct op op = {.setup = {request == 2 || request == 3 || request == 5 ? 0xA1 : 0x21, request,
                                    (uint8_t)value, (uint8_t)(value >> 8), 0, 0, (uint8_t)length,
                                    (uint8_t)(length >> 8)},
                          .data = DATA_IMAGE,
                          .value = offset};
    must(hostile_do(&h, &op));
}

static void command(uint8_t opcode, uint32_t argument)
{
    const struct op op = {
        .setup = {0x21, 1, 0, 0, 0, 0, 5}, .data = DATA_COMMAND, .opcode = opcode, .value = argument};
    must(hostile_do(&h, &op));
}

static void poll(void)
{
    const struct op op = {.kind = OP_POLL};
    must(hostile_do(&h, &op));
}

static void get_status(void)
{
    send(3, 0, 6, 0);
}

static void save(const char *name, unsigned state)
{
    assert_true(scene_count < SCENES);
    struct scene *s = &scenes[scene_count++];
    if (h.model.states != MODEL_BIT(state))
        send(5, 0, 1, 0); /* a block may have been refused: GETSTATE tells */
    if (h.model.states != MODEL_BIT(state))
        fail_msg("%s: not in %s, but in 0x%x", name, model_state_name(state), h.model.states);
    *s = (struct scene){name, state, vboard_save(h.board), malloc(sizeof h.model)};
    assert_non_null(s->snapshot);
    assert_non_null(s->model);
    *s->model = h.model;
}

static void restore(const struct scene *s)
{
    vboard_restore(h.board, s->snapshot);
    h.model = *s->model;
    h.configured = true;
    h.app = h.app_right = h.address_lost = h.reset_asked = false;
    h.torn = true; /* one of the scenes is after a reset amid flash work */
    h.wrong[0] = 0;
}

/* From dfuIDLE on this board to each state, by more than one way where there is one. */
static void save_states(const char *name)
{
    unsigned idle = scene_count;
    save(name, MODEL_IDLE);
    command(0x41, MODEL_SLOT);
    save(name, MODEL_DNLOAD_SYNC);
    get_status();
    save(name, MODEL_DNBUSY);
    poll();
    save(name, MODEL_DNLOAD_IDLE);
    send(1, 2, 1000, 0);
    save(name, MODEL_DNLOAD_SYNC);
    get_status();
    save(name, MODEL_DNBUSY);
    poll();
    save(name, MODEL_DNLOAD_IDLE);
    send(6, 0, 0, 0);
    save(name, MODEL_IDLE); /* and sealing */
    get_status();
    send(1, 0, 0, 0);
    save(name, MODEL_MANIFEST_SYNC);
    get_status();
    save(name, MODEL_MANIFEST);

    restore(&scenes[idle]);
    send(2, 2, 64, 0);
    save(name, MODEL_UPLOAD_IDLE);
    send(0, 0, 0, 0);
    save(name, MODEL_ERROR);

    restore(&scenes[idle]);
    send(1, 0, 2048, 0);
    poll();
    save(name, MODEL_DNLOAD_IDLE);
    send(1, 1, 0, 0);
    save(name, MODEL_MANIFEST_SYNC);
    get_status();
    save(name, MODEL_IDLE); /* plain DFU: leaves half a second after the last request */
    restore(&scenes[idle]);
}

static void attach(void)
{
    assert_true(usbhost_wait_attached(h.host, 1000 * MS));
    assert_int_equal(usbhost_configure(h.host, 1), UH_OK);
    h.configured = true;
}

static struct dfu_result download(bool leave, uint32_t size)
{
    struct dfu_result r;
    const struct dfu_element element = {SLOT, image, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = leave, .limit_ns = 20000 * MS};
    dfu_run(h.host, &job, &r);
    return r;
}

static void set_up(void)
{
    const struct vboard_config config = {.seed = 3};
    /* Hosts wait 100 ms after the pull-up (USB 2.0 7.1.7.3), in which the bootloader unpacks itself. */
    const struct usbhost_config usb = {.enumerate = true, .per_frame = 10, .reset_ns = 3 * MS};
    hostile_image(image);
    h.board = vboard_create(&config);
    assert_non_null(h.board);
    if (!vboard_load_file(h.board, BOOT, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(h.board));
    h.host = usbhost_create(h.board, &usb);
    assert_non_null(h.host);
    h.wire = (struct wire){.board = h.board, .host = h.host};
    h.reset_asked = true;
    vboard_on_event(h.board, hostile_event, &h);
    vboard_power(h.board, true, false);
    assert_true(vboard_peek(h.board, 0x08000000, boot, sizeof boot));

    model_init(&h.model, NULL, 0);
    attach();
    save_states("blank");

    struct dfu_result r = download(false, 6001);
    if (!r.ok)
        fail_msg("%s", r.error);
    model_init(&h.model, image, 6001);
    command(0x21, SLOT);
    poll();
    send(6, 0, 0, 0);
    save_states("application");

    /* A download that is interrupted: pages that have changed, reset. */
    command(0x21, SLOT + 2048);
    poll();
    for (uint16_t block = 2; block < 5; block++) {
        send(1, block, 2048, 64);
        poll();
    }
    const struct op nrst = {.kind = OP_NRST};
    must(hostile_do(&h, &nrst));
    attach();
    save_states("interrupted");
}

/* ---- cases ------------------------------------------------------------------------------- */

static bool good_download(void)
{
    static uint8_t flash[3000];
    if (!hostile_settles(&h))
        return !h.wrong[0];
    h.model.unsure = h.model.leaving = true; /* it is compared here */
    uint64_t started = h.started, unsure = h.unsure;
    struct dfu_result r = download(true, sizeof flash);
    h.started = started;
    h.unsure = unsure;
    h.downloads++;
    if (!r.ok || !h.app)
        (void)snprintf(h.wrong, sizeof h.wrong, "a good download: %s (%s)",
                       r.ok ? "nothing was started" : r.error,
                       h.app ? "an application was started" : r.string);
    else if (!vboard_peek(h.board, SLOT, flash, sizeof flash) || memcmp(flash, image, sizeof flash) != 0)
        (void)snprintf(h.wrong, sizeof h.wrong, "a good download: flash differs");
    return !h.wrong[0];
}

static bool run_case(const struct scene *s, const struct op_list *list, uint64_t seed)
{
    static uint8_t now[sizeof boot];
    restore(s);
    h.seed = seed;
    for (unsigned i = 0; i < list->n && hostile_do(&h, &list->op[i]); i++)
        ;
    if (!h.wrong[0] && !h.app && hostile_recovers(&h) && !h.app && hostile_speaks(&h) && !h.app) {
        if (seed % 16 == 0)
            (void)good_download();
        else if (seed % 2 == 0)
            (void)hostile_restarts(&h);
    }
    if (!h.wrong[0] &&
        (!vboard_peek(h.board, 0x08000000, now, sizeof now) || memcmp(now, boot, sizeof now) != 0))
        (void)snprintf(h.wrong, sizeof h.wrong, "the bootloader's own pages have changed");
    return !h.wrong[0];
}

/* The fewest operations that still fail. */
static void reduce(const struct scene *s, struct op_list *list, uint64_t seed)
{
    for (unsigned i = list->n; i-- > 0;) {
        struct op_list shorter = *list;
        memmove(shorter.op + i, shorter.op + i + 1, (list->n - i - 1) * sizeof *list->op);
        shorter.n--;
        if (!run_case(s, &shorter, seed))
            *list = shorter;
    }
    (void)run_case(s, list, seed);
}

static void tell(const struct scene *s, const struct op_list *list, uint64_t number)
{
    char line[200];
    print_message("# case %llu, %s in %s: %s\n", (unsigned long long)number, s->name,
                  model_state_name(s->state), h.wrong);
    for (unsigned i = 0; i < list->n; i++) {
        op_print(&list->op[i], line, sizeof line);
        print_message("#   %s\n", line);
    }
}

/* How often the request was sent that has been sent least, of any in any state. */
static uint32_t least_seen(void)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < scene_count; i++)
        for (unsigned k = 0; k < HR_KINDS; k++)
            least = h.matrix[scenes[i].state][k] < least ? h.matrix[scenes[i].state][k] : least;
    return least;
}

static const struct scene *pick(uint64_t *seed, unsigned state)
{
    for (;;) {
        const struct scene *s = &scenes[hostile_random(seed, scene_count)];
        if (s->state == state)
            return s;
    }
}

static void report(void)
{
    print_message("# %llu requests, %u %% accepted; each request in each state at least %u times\n",
                  (unsigned long long)h.requests, (unsigned)(h.accepted * 100 / h.requests), least_seen());
    print_message("# bus resets %llu, suspends %llu, silences %llu, unplugged %llu, NRST %llu\n#",
                  (unsigned long long)h.kinds[OP_BUS_RESET], (unsigned long long)h.kinds[OP_SUSPEND],
                  (unsigned long long)h.kinds[OP_SILENCE], (unsigned long long)h.kinds[OP_REPLUG],
                  (unsigned long long)h.kinds[OP_NRST]);
    for (unsigned f = 1; f < WIRE_FAULTS; f++)
        print_message(" %s %llu%s", wire_fault_name(f), (unsigned long long)h.faults[f],
                      f + 1 < WIRE_FAULTS ? "," : "\n");
    print_message("# applications started %llu (%llu not compared), refused %llu\n",
                  (unsigned long long)h.started, (unsigned long long)h.unsure,
                  (unsigned long long)h.refused_starts);
}

/* All of a case comes from its number: it begins in each state with each request in turn. */
static const struct scene *make_case(struct op_list *list, uint64_t number)
{
    static const uint8_t states[] = {MODEL_IDLE,        MODEL_DNLOAD_SYNC,   MODEL_DNBUSY,
                                     MODEL_DNLOAD_IDLE, MODEL_MANIFEST_SYNC, MODEL_MANIFEST,
                                     MODEL_UPLOAD_IDLE, MODEL_ERROR};
    uint64_t seed = number * 0x9E3779B97F4A7C15ull;
    unsigned which = (unsigned)(number % (sizeof states * HR_KINDS));
    const struct scene *s = pick(&seed, states[which % sizeof states]);
    list->n = 1;
    op_of_kind(&list->op[0], (enum hostile_request)(which / sizeof states), &seed);
    op_grow(list, &seed);
    return s;
}

static void hostile_host(void **state)
{
    (void)state;
    static struct op_list list;
    const char *only = getenv("SUREBOOT_CASE"); /* runs this one */
    bool quick = getenv("SUREBOOT_QUICK");
    uint64_t wanted = quick ? 12000 : getenv("SUREBOOT_LONG") ? 4000000 : 210000;
    unsigned bad = 0;

    set_up();
    h.accepted = h.requests = 0;
    memset(h.matrix, 0, sizeof h.matrix);
    uint64_t number = only ? strtoull(only, NULL, 10) : 1;
    do {
        const struct scene *s = make_case(&list, number);
        if (!run_case(s, &list, number)) {
            tell(s, &list, number);
            reduce(s, &list, number);
            print_message("# reduced:\n");
            tell(s, &list, number);
            bad++;
        }
        number++;
    } while (!only && bad < 3 && (h.requests < wanted || (!quick && least_seen() < SEEN)));
    report();
    if (bad)
        fail_msg("%u cases failed; SUREBOOT_CASE=NUMBER runs one", bad);
    if (!only) {
        assert_true(h.accepted * 5 >= h.requests);
        assert_true(h.started > 0 && h.refused_starts > 0);
        assert_true(h.unsure * 2 < h.started);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
