/* Downloads from beginning to end: every way in which one can end, with the seal expected or not. What the
 * next boot says is asked of the flash. */
#include "cmocka_first.h"

#include "boot/core/verdict.h"
#include "session_bench.h"
#include <string.h>

static enum message error(void)
{
    struct status s = get_status();
    return s.state == DFU_ERROR ? (enum message)(s.string - 0x10) : MESSAGE_READY;
}

/* ---- whole downloads --------------------------------------------------------------------- */

/* Sizes around every boundary, transfer sizes of the kind people try. ABORT alone seals. */
static void sizes(void **state)
{
    (void)state;
    static const unsigned transfers[] = {2048, 1024, 512, 64, 100, 8};
    static const uint32_t sizes[] = {10,   11,   12,   13,   14,   15,   16,   511,  512,
                                     1024, 1536, 2040, 2047, 2048, 2049, 2055, 2056, 3072,
                                     4095, 4096, 4097, 5120, 6143, 6144, 8192, 10001};
    for (unsigned before = 0; before < 2; before++) {
        for (unsigned t = 0; t < 6; t++) {
            for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                if (before)
                    install(MAX);
                else
                    setup(NULL);
                enum message m = dfu_util(SLOT_ADDR, image, sizes[i], transfers[t], 0);
                if (m != MESSAGE_READY || !slot_holds(image, sizes[i]) || boot_verdict() != VERDICT_START)
                    fail_msg("%u bytes by %u: message %d, verdict %u", sizes[i], transfers[t], (int)m,
                             boot_verdict());
                assert_int_equal(dfu.session.writer.ledger.newest.length, sizes[i]);
                /* what remains of the last page is blank */
                for (uint32_t at = sizes[i]; at % 2048; at++)
                    assert_int_equal(fake.flash[SLOT_ADDR - FLASH_ADDR + at], 0xFF);
            }
        }
    }
}

/* The status of the last block comes when all is in flash: hosts of DfuSe do not ask what came of a leave. */
static void last_block_is_in_flash(void **state)
{
    (void)state;
    setup(NULL);
    for (uint32_t page = 0; page < 3; page++)
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + page * 2048));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    for (uint16_t block = 0; block < 5; block++)
        assert_int_equal(send_block((uint16_t)(2 + block), image + block * 1024, block == 4 ? 900 : 1024),
                         MESSAGE_READY);
    assert_true(slot_holds(image, 4 * 1024 + 900));
    assert_false(fake.busy);
}

/* The next one counts blocks of its own size, also if it does not say where. */
static void another_size_of_blocks(void **state)
{
    (void)state;
    setup(NULL);
    for (unsigned turn = 0; turn < 2; turn++) {
        const uint16_t size = turn ? 512 : 1024;
        const uint8_t *from = turn ? old : image;
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
        for (uint16_t block = 0; block < 2048 / size; block++)
            assert_int_equal(send_block((uint16_t)(2 + block), from + block * size, size), MESSAGE_READY);
        assert_true(simple(DFU_REQ_ABORT));
        assert_int_equal(error(), MESSAGE_READY);
        assert_true(slot_holds(from, 2048));
    }
}

static void slot_is_full(void **state)
{
    (void)state;
    static uint8_t big[SLOT_SIZE + 1];
    make_image(big, sizeof big, 7);
    assert_int_equal(dfu_util(SLOT_ADDR, big, SLOT_SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_true(slot_holds(big, SLOT_SIZE));
    assert_int_equal(plain(big, SLOT_SIZE, 2048).state, DFU_IDLE);
    assert_int_equal(boot_verdict(), VERDICT_START);

    setup(NULL);
    assert_int_equal(plain(big, SLOT_SIZE + 1, 2048).state, DFU_ERROR);
    assert_int_equal(error(), MESSAGE_TOO_LARGE);
    drain();
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR, big, SLOT_SIZE + 1, 2048, 0), MESSAGE_ADDRESS); /* at the erase */
    assert_int_equal(fake.operations, 0);
}

/* The last block reaches beyond the slot. */
static void block_over_the_end(void **state)
{
    (void)state;
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_END - 8));
    assert_int_equal(send_block(2, image, 9), MESSAGE_TOO_LARGE);
}

/* ---- the ways in which a session can end ------------------------------------------------- */

/* A script: E erase page 0, F erase page 1, A set address, D data of page 0, d data of page 1, h half a
 * page of data, the next one each time, s short block, q status once more, a ABORT, l leave, i SET_INTERFACE,
 * c SET_CONFIGURATION, b bus reset, x a refused request, Z zero-length after plain blocks, P plain block
 * (whole page), p short plain block. */
static bool sealed_after(const char *script)
{
    uint16_t block = 0, half = 0;
    install(MAX);
    for (const char *c = script; *c; c++) {
        switch (*c) {
        case 'E': dfuse_command(DFUSE_ERASE, SLOT_ADDR); break;
        case 'F': dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048); break;
        case 'A': dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR); break;
        case 'D': send_block(2, image, 2048); break;
        case 'd': send_block(3, image + 2048, 2048); break;
        case 'h': send_block((uint16_t)(2 + half), image + 1024 * half, 1024), half++; break;
        case 's': send_block(3, image + 2048, 700); break;
        case 'q': get_status(); break;
        case 'a': simple(DFU_REQ_ABORT); break;
        case 'l': dnload(2, NULL, 0); break;
        case 'i': dfu_event(&dfu, DFU_INTERFACE_SET); break;
        case 'c': dfu_event(&dfu, DFU_CONFIGURED); break;
        case 'b': dfu_event(&dfu, DFU_BUS_RESET); break;
        case 'x': simple(DFU_REQ_CLRSTATUS); break;
        case 'C':
            assert_int_equal(get_state(), DFU_ERROR);
            simple(DFU_REQ_CLRSTATUS);
            break;
        case 'P': send_block(block, image + 2048 * block, 2048), block++; break;
        case 'p': send_block(block, image + 2048 * block, 100), block++; break;
        case 'Z': dnload(block, NULL, 0); break;
        default: fail();
        }
    }
    drain();
    return boot_verdict() == VERDICT_START;
}

static void endings(void **state)
{
    (void)state;
    static const struct {
        const char *script, *what;
        bool sealed;
    } table[] = {
        {"EFADda", "every page, ABORT", true},
        {"EFADdaq", "and the status of it", true},
        {"EFADdal", "ABORT and leave", true},
        {"EFADdl", "leave", true},
        {"EFADdAl", "leave after the address was set again, as webdfu does", true},
        {"EFADsa", "short last block, ABORT", true},
        {"EFADsAl", "short last block, leave", true},
        {"EFADqsl", "short last block, asked in between", true},
        {"EFAhhha", "last block ends within the page, then ABORT at once: dfu-util -t 1024", true},
        {"EFAhhhl", "the same, leave at once", true},
        {"EFAhhhqa", "the same, but somebody else asks first", false},
        {"EFAhhhql", "the same, leave", false},
        {"EFAhhhAa", "the same, but with a command in between: old dfu-util is not done", false},
        {"EFADa", "a page got no data", false},
        {"EFADl", "the same, leave", false},
        {"EFADaa", "the same, ABORT twice: what is owed stays owed", false},
        {"EFADal", "the same, ABORT and leave", false},
        {"EFADada", "ABORT in the middle, and on it goes: old dfu-util", true},
        {"EFADada", "and its end", true},
        {"EFA", "killed after the erase commands", true},
        {"EFAa", "erased and nothing sent", false},
        {"EFAl", "erased, leave", false},
        {"EFADdi", "whole, but the interface is set", false},
        {"EFADdc", "whole, but the configuration is set", false},
        {"EFADdb", "whole, but the bus is reset", false},
        {"EFADdia", "a new host: interface, ABORT", false},
        {"EFADdiqa", "a new host as dfu-util: interface, status, ABORT", false},
        {"EFADdil", "a new host: interface, leave", false},
        {"EFADdiql", "a new host: interface, status, leave", false},
        {"EFADiAda", "interface between the elements of a file", true},
        {"EADaiqFdl", "part sealed as a whole, then a new host patches it", true},
        {"EFADdx", "an error", false},
        {"EFADdxC", "an error, cleared", false},
        {"EFADdxCl", "an error, cleared, leave", false},
        {"EFADdxCa", "an error, cleared, ABORT", false},
        {"l", "nothing but leave", true},
        {"a", "nothing but ABORT", true},
        {"Al", "address and leave", true},
        {"i", "nothing but the interface", true},
        {"b", "nothing but a bus reset", true},
        {"ADda", "no erase commands at all", true},
        {"Adq", "data and no end", false},
        {"ADa", "part of the image is written anew", true},
        {"PPZ", "plain, done", true},
        {"PPpZ", "plain, short last block", true},
        {"PPZq", "plain, and its status", true},
        {"PPa", "plain, taken back", false},
        {"PPaZ", "plain, taken back, then a leave", false},
        {"PPb", "plain, bus reset", false},
        {"PPi", "plain, interface", false},
        {"PPiZ", "plain, interface, then a leave", false},
        {"PPc", "plain, configuration", false},
        {"PPx", "plain, error", false},
        {"PPq", "plain, no end", false},
        {"Z", "plain, nothing", true},
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        if (sealed_after(table[i].script) != table[i].sealed)
            fail_msg("%s (%s): %s", table[i].what, table[i].script,
                     table[i].sealed ? "should start" : "should not start");
}

static enum message said(void)
{
    return writer_verdict(&dfu.session.writer);
}

static void half_a_download_says_so(void **state)
{
    (void)state;
    install(MAX);
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_false(dnload(2, NULL, 0));
    assert_int_equal(error(), MESSAGE_NOT_DONE);
    drain();
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_int_equal(said(), MESSAGE_UNFINISHED);
}

/* That of the slot, not of the last download: until the image is complete, after a reset, and until another
 * download changes something. */
static void linked_below_is_said_on(void **state)
{
    (void)state;
    static uint8_t below[0x6000];
    static const uint8_t push[] = {0x80, 0xB5};
    make_image(below, sizeof below, 3);
    for (uint32_t n = 1; n < 16; n++) { /* each begins with PUSH {R7, LR} where the image has it */
        uint32_t at = 0x4100 + 16 * n, vector = FLASH_ADDR + at + 1;
        memcpy(below + 4 * n, &vector, sizeof vector);
        memcpy(below + at, push, sizeof push);
        memset(below + at - 0x4000, 0, 2);
    }
    install(MAX);
    assert_int_equal(dfu_util(SLOT_ADDR, below, sizeof below, 2048, 0), MESSAGE_NOT_HERE);
    assert_int_equal(said(), MESSAGE_NOT_HERE);
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    bench_boot(MESSAGE_UNFINISHED);
    assert_int_equal(said(), MESSAGE_NOT_HERE);
    bench_boot(MESSAGE_READY); /* a debugger has been here, and what it left starts */
    assert_int_equal(said(), MESSAGE_READY);
    bench_boot(MESSAGE_UNFINISHED);
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_int_equal(said(), MESSAGE_NOT_HERE); /* nothing has changed yet */
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    drain();
    assert_int_equal(said(), MESSAGE_UNFINISHED);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_int_equal(said(), MESSAGE_READY);
}

/* What changes nothing leaves the old image as good as it was. */
static void refused_and_nothing_changed(void **state)
{
    (void)state;
    install(MAX);
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, old, 9), MESSAGE_READY);
    leave();
    assert_int_equal(error(), MESSAGE_NOT_DONE);
    assert_int_equal(fake.operations, 0);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_int_equal(said(), MESSAGE_READY);
}

/* ---- parts ------------------------------------------------------------------------------- */

static void patch_of_a_whole_image(void **state)
{
    (void)state;
    install(MAX - 100);
    memcpy(old + 5000, image + 5000, 300);
    /* no erase: what is around it stays */
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 5000));
    assert_int_equal(send_block(2, image + 5000, 300), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_true(slot_holds(old, MAX - 100));
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_int_equal(dfu.session.writer.ledger.newest.length, MAX - 100);
}

/* Data behind the image is not part of it, and the application may change it later. */
static void data_behind_the_image(void **state)
{
    (void)state;
    install(4096);
    assert_int_equal(dfu_util(SLOT_END - 2048, image + 2048, 2048, 2048, 0), MESSAGE_READY);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_int_equal(dfu.session.writer.ledger.newest.length, 4096);
    fake.flash[SLOT_END - FLASH_ADDR - 1] ^= 1;
    assert_int_equal(boot_verdict(), VERDICT_START);
    fake.flash[SLOT_ADDR - FLASH_ADDR + 4095] ^= 1;
    assert_int_equal(boot_verdict(), MESSAGE_CHANGED);
}

/* An application that is sent elsewhere is not taken for data behind the one that is there. */
static void application_elsewhere(void **state)
{
    (void)state;
    const uint32_t elsewhere = SLOT_ADDR + 16384;
    install(4096);
    assert_int_equal(dfu_util(elsewhere, image, 3000, 2048, 0), MESSAGE_PART);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_int_equal(dfu_util(elsewhere, image, 8, 2048, 0), MESSAGE_PART);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    drain();
    assert_int_equal(fake.operations, 0);
    assert_int_equal(boot_verdict(), VERDICT_START);
    /* Behind its own beginning, or too short to tell, it is data. */
    assert_int_equal(dfu_util(SLOT_ADDR, image, 3000, 2048, 0), MESSAGE_READY);
    assert_int_equal(dfu_util(elsewhere, image, 7, 2048, 0), MESSAGE_READY);
    assert_int_equal(dfu_util(SLOT_ADDR, image, 4096, 2048, 0), MESSAGE_READY);
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, elsewhere));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    drain();
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* What ends before its own reset handler is not all of it. */
static void cut_short(void **state)
{
    (void)state;
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR, image, 9, 2048, 0), MESSAGE_NOT_DONE);
    drain();
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_int_equal(dfu_util(SLOT_ADDR, image, 10, 2048, 0), MESSAGE_READY);
    setup(NULL);
    assert_int_equal(plain(image, 9, 2048).status, DFU_STATUS_ERR_NOTDONE);
    assert_int_equal(error(), MESSAGE_NOT_DONE);
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
}

/* A part needs something whole to go with it. */
static void part_without_the_rest(void **state)
{
    (void)state;
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR + 4096, image + 4096, 3000, 2048, 0), MESSAGE_PART);
    assert_int_not_equal(boot_verdict(), VERDICT_START);

    install(MAX);
    bench_boot(MESSAGE_CHANGED); /* what is there is not what was sealed */
    assert_int_equal(dfu_util(SLOT_ADDR + 4096, image + 4096, 3000, 2048, 0), MESSAGE_PART);
    assert_int_not_equal(boot_verdict(), VERDICT_START);

    install(MAX);
    dfu_util(SLOT_ADDR, image, MAX, 2048, 20); /* killed: half an image */
    bench_boot(MESSAGE_UNFINISHED);
    assert_int_equal(dfu_util(SLOT_ADDR + MAX / 2, image + MAX / 2, MAX / 2, 2048, 0), MESSAGE_PART);
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
}

/* Nor is it enough when downloads have failed before: it may be the rest of that. */
static void part_after_a_failure(void **state)
{
    (void)state;
    static const int ends[] = {DFU_REQ_DETACH, -1};
    for (unsigned i = 0; i < 2; i++) {
        install(MAX);
        for (unsigned failed = 0; failed < 2; failed++) {
            assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
            assert_int_equal(send_block(2, old, 2048),
                             MESSAGE_READY); /* what is there already: nothing is changed */
            if (ends[i] >= 0) {
                assert_false(simple((uint8_t)ends[i]));
                assert_true(simple(DFU_REQ_CLRSTATUS));
            } else {
                dfu_event(&dfu, DFU_BUS_RESET);
            }
        }
        assert_int_equal(dfu_util(SLOT_ADDR + 4096, image + 4096, 3000, 2048, 0), MESSAGE_PART);
        assert_true(simple(DFU_REQ_CLRSTATUS));
        assert_int_equal(dfu_util(SLOT_ADDR, image, MAX, 2048, 0), MESSAGE_READY);
        assert_int_equal(dfu_util(SLOT_ADDR + 4096, old + 4096, 3000, 2048, 0), MESSAGE_READY);
        assert_int_equal(boot_verdict(), VERDICT_START);
    }
}

/* Elements of a file in any order, with a hole between them. */
static void elements(void **state)
{
    (void)state;
    install(MAX);
    static const struct {
        uint32_t at, size;
    } parts[] = {{8192, 3000}, {0, 2500}, {15000, 1000}};
    for (unsigned i = 0; i < 3; i++) {
        for (uint32_t p = parts[i].at / 2048; p <= (parts[i].at + parts[i].size - 1) / 2048; p++)
            assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048 * p));
        for (uint32_t at = 0; at < parts[i].size; at += 2048) {
            uint16_t n = (uint16_t)(parts[i].size - at < 2048 ? parts[i].size - at : 2048);
            assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + parts[i].at + at));
            assert_int_equal(send_block(2, image + parts[i].at + at, n), MESSAGE_READY);
        }
        dfu_event(&dfu, DFU_INTERFACE_SET);
    }
    dfu.session.suspended = false;
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(error(), MESSAGE_READY);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_int_equal(dfu.session.writer.ledger.newest.length, 16000);
    for (unsigned i = 0; i < 3; i++)
        assert_memory_equal(fake.flash + SLOT_ADDR - FLASH_ADDR + parts[i].at, image + parts[i].at,
                            parts[i].size);
}

/* Blocks in any order, overlapping, of any length and alignment: the slot holds what was sent last. */
static void any_order(void **state)
{
    (void)state;
    static uint8_t expect[MAX];
    for (unsigned seed = 1; seed <= 300; seed++) {
        install(MAX);
        bool erased = seed % 2;
        memcpy(expect, old, MAX);
        fake.random = seed * 7919;
        if (erased) {
            for (uint32_t page = 0; page < MAX; page += 2048)
                assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + page));
            memset(expect, 0xFF, MAX);
        }
        for (unsigned i = 0; i < 40; i++) {
            uint32_t at = i == 39 ? 0 : fake_random() % MAX, n = 1 + fake_random() % (i % 3 ? 64 : 2048);
            n = n > MAX - at ? MAX - at : n;
            n = i == 39 ? 2048 : n;
            if (at == 0 && n < 8)
                n = 8;
            uint8_t bytes[2048];
            for (uint32_t k = 0; k < n; k++)
                bytes[k] = (uint8_t)fake_random();
            if (at == 0)
                memcpy(bytes, image, n < 64 ? n : 64);
            assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + at));
            assert_int_equal(send_block(2, bytes, (uint16_t)n), MESSAGE_READY);
            memcpy(expect + at, bytes, n);
        }
        simple(DFU_REQ_ABORT);
        get_status();
        assert_true(slot_holds(expect, MAX));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(last_block_is_in_flash),
        cmocka_unit_test(another_size_of_blocks),
        cmocka_unit_test_setup(slot_is_full, setup),
        cmocka_unit_test_setup(block_over_the_end, setup),
        cmocka_unit_test(endings),
        cmocka_unit_test(half_a_download_says_so),
        cmocka_unit_test(linked_below_is_said_on),
        cmocka_unit_test(refused_and_nothing_changed),
        cmocka_unit_test(patch_of_a_whole_image),
        cmocka_unit_test(data_behind_the_image),
        cmocka_unit_test(application_elsewhere),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(part_without_the_rest),
        cmocka_unit_test(part_after_a_failure),
        cmocka_unit_test(elements),
        cmocka_unit_test(any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
