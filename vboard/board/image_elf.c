/* ELF: what a debugger would put into flash. Segments by physical address, as objcopy -O binary does. */
#include "board/image.h"

#include <gelf.h>
#include <libelf.h>

struct span {
    uint64_t begin, end; /* file offsets */
};

/* The part of a segment that sections fill. Linkers put the file headers into the first segment, or into
 * one of their own before it, when its address leaves room below; they are not meant for the chip. A file
 * without section headers loads whole segments. */
static struct span filled(Elf *elf, const GElf_Phdr *segment)
{
    struct span whole = {segment->p_offset, segment->p_offset + segment->p_filesz};
    struct span span = {UINT64_MAX, 0};
    size_t count = 0;
    if (elf_getshdrnum(elf, &count) != 0 || count == 0)
        return whole;
    for (size_t i = 1; i < count; i++) {
        GElf_Shdr section;
        Elf_Scn *scn = elf_getscn(elf, i);
        if (scn == NULL || gelf_getshdr(scn, &section) == NULL)
            continue;
        if ((section.sh_flags & SHF_ALLOC) == 0 || section.sh_type == SHT_NOBITS || section.sh_size == 0)
            continue;
        if (section.sh_offset < whole.begin || section.sh_offset >= whole.end)
            continue;
        uint64_t end = section.sh_offset + section.sh_size;
        if (section.sh_offset < span.begin)
            span.begin = section.sh_offset;
        if (end > span.end)
            span.end = end;
    }
    if (span.end > whole.end)
        span.end = whole.end;
    return span;
}

/* For which core it was built, if it says so. */
static void look_at_attributes(struct image *image, Elf *elf, const uint8_t *bytes, size_t size)
{
    Elf_Scn *scn = NULL;
    while ((scn = elf_nextscn(elf, scn)) != NULL) {
        GElf_Shdr section;
        if (gelf_getshdr(scn, &section) != NULL && section.sh_type == SHT_ARM_ATTRIBUTES &&
            section.sh_offset <= size && section.sh_size <= size - section.sh_offset)
            image_other_core(image, bytes + section.sh_offset, (size_t)section.sh_size);
    }
}

static bool parse(struct image *image, Elf *elf, const char *path, const uint8_t *bytes, size_t size,
                  struct sentence *why)
{
    GElf_Ehdr header;
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        return refuse(why, "%s: is a damaged ELF file", path);
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_ARM)
        return refuse(why, "%s: is an ELF file for another processor, not 32-bit little-endian ARM", path);
    if (header.e_type != ET_EXEC)
        return refuse(why, "%s: is an ELF file that is not linked to fixed addresses", path);
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0)
        return refuse(why, "%s: has damaged ELF program headers", path);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) == NULL)
            return refuse(why, "%s: has damaged ELF program headers", path);
        if (segment.p_type != PT_LOAD || segment.p_filesz == 0)
            continue;
        if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
            return refuse(why, "%s: ELF segment %zu lies outside the file: truncated", path, i);
        struct span span = filled(elf, &segment);
        const uint64_t before = span.begin < span.end ? span.begin - segment.p_offset : segment.p_filesz;
        if (before > 0 && image->headers.size == 0) {
            image->headers.addr = (uint32_t)segment.p_paddr;
            image->headers.size = (uint32_t)before;
        }
        if (span.begin >= span.end)
            continue;
        uint64_t addr = segment.p_paddr + (span.begin - segment.p_offset);
        if (addr + (span.end - span.begin) > UINT64_C(1) << 32)
            return refuse(why, "%s: ELF segment %zu exceeds the address space", path, i);
        if (!image_add(image, addr, bytes + span.begin, (size_t)(span.end - span.begin)))
            return refuse(why, "%s: out of memory", path);
    }
    look_at_attributes(image, elf, bytes, size);
    return true;
}

bool image_parse_elf(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                     struct sentence *why)
{
    if (elf_version(EV_CURRENT) == EV_NONE)
        return refuse(why, "%s: libelf does not work", path);
    /* libelf only writes through the pointer if asked to update the file, which nobody does. */
    Elf *elf = elf_memory((char *)(uintptr_t)bytes, size);
    bool ok = parse(image, elf, path, bytes, size, why);
    (void)elf_end(elf);
    return ok;
}
