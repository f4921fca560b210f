/* The report in DFU, of one download after another: it tells of the last one, and of what is in the slot now.
 */
#include "board/crc32.h"
#include "kitbench.h"

#define BIN "build/firmware/cdc.bin"

static struct dfu_result download(struct kit *k, const char *file, uint64_t limit_ns)
{
    uint32_t size;
    struct dfu_result r;
    uint8_t *bytes = bench_file(file, &size);
    const struct dfu_element element = {SLOT, bytes, size};
    const struct dfu_job job = {.elements = &element, .element_count = 1, .limit_ns = limit_ns};
    dfu_run(k->bench.host, &job, &r);
    free(bytes);
    return r;
}

/* `last`: what went wrong with the last download, NULL: nothing. */
static void reports(struct kit *k, const char *when, const char *verdict, const char *last,
                    const char *ledger)
{
    char want[200];
    const char *text = kit_dfu_report(k);
    (void)snprintf(want, sizeof want, "\nverdict: %s\n%s%s%sin DFU by: verdict\n", verdict,
                   last ? "last download: " : "", last ? last : "", last ? "\n" : "");
    if (!strstr(text, want))
        fail_msg("%s: no '%s' in '%s'", when, want, text);
    (void)snprintf(want, sizeof want, "\nledger: %s", ledger);
    if (!strstr(text, want))
        fail_msg("%s: no '%s' in '%s'", when, want, text);
}

static void one_after_another(void **state)
{
    (void)state;
    char seal[64];
    uint32_t size;
    uint8_t *bytes = bench_file(BIN, &size);
    const char *ready = "Ready: the application starts at the next reset.",
               *unfinished = "Download unfinished: download it again.";
    struct kit *k = kit_start(BOOT, NULL, false, true);
    reports(k, "blank", "No application: download one linked at 0x08004000.", NULL, "00000000");

    assert_false(download(k, CDC, 60000 * MS).ok);
    reports(k, "refused", "No application: download one linked at 0x08004000.",
            "An ELF file: convert it with objcopy -O binary.", "00000000");

    assert_true(download(k, BIN, 60000 * MS).ok);
    (void)snprintf(seal, sizeof seal, "00025B1E 00000002 %08X %08X", size,
                   ~crc32_more(CRC32_START, bytes, size));
    reports(k, "sealed", ready, NULL, seal);

    assert_true(download(k, "build/firmware/workbench.bin", 200 * MS).timed_out);
    reports(k, "given up", unfinished, unfinished, "00015B1E 00000003 ");

    assert_true(download(k, BIN, 60000 * MS).ok);
    (void)snprintf(seal, sizeof seal, "00025B1E 00000004 %08X", size);
    reports(k, "sealed again", ready, NULL, seal);
    kit_end(k);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_after_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
