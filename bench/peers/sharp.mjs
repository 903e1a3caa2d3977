// Thumbnails by sharp: `node sharp.mjs once|all FILE…` prints milliseconds, of each file in turn or of all together.
import sharp from "sharp";

const [how, ...files] = process.argv.slice(2);
sharp.cache(false);
const thumbnail = (file) =>
  sharp(file).rotate().resize({ width: 400, withoutEnlargement: true }).webp({ quality: 80 }).toBuffer();
await thumbnail(files[0]);
const took = [];
if (how === "once") {
  for (const file of files) {
    const began = performance.now();
    await thumbnail(file);
    took.push(performance.now() - began);
  }
} else {
  const began = performance.now();
  await Promise.all(files.map(thumbnail));
  took.push(performance.now() - began);
}
console.log(JSON.stringify(took));
