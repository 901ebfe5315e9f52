/** What a file is, by its first bytes. */

const STARTS = [
  ["aez", [0x89, 0x61, 0x65, 0x7a, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["PNG", [0x89, 0x50, 0x4e, 0x47]],
  ["JPEG", [0xff, 0xd8, 0xff]],
  ["GIF", [0x47, 0x49, 0x46, 0x38]],
];

/**
 * @param {Uint8Array} bytes the file or its beginning
 * @returns {string} `aez`, the name of a picture format that browsers may show, or an empty string
 */
export function kindOf(bytes) {
  for (const [kind, start] of STARTS) if (start.every((byte, at) => bytes[at] === byte)) return kind;
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "WebP";
  if (text(4, 8) === "ftyp" && ["avif", "avis"].includes(text(8, 12))) return "AVIF";
  if (text(4, 8) === "JXL " || (bytes[0] === 0xff && bytes[1] === 0x0a)) return "JPEG XL";
  return "";
}
