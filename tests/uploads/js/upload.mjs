// Uploads a file with tus-js-client as its users do, and prints the upload's address: node upload.mjs ENDPOINT KEY FILE
import fs from 'node:fs'
import path from 'node:path'
import { Upload } from 'tus-js-client'

const [endpoint, key, file] = process.argv.slice(2)

const upload = new Upload(fs.createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: path.basename(file), filetype: 'video/mp4' },
  chunkSize: 2 ** 20,
  // Between two bytes of progress: a server that was killed needs a while on a busy machine.
  retryDelays: Array(400).fill(300),
  onError: (problem) => {
    console.error(String(problem))
    process.exit(1)
  },
  onSuccess: () => console.log(upload.url),
})
upload.start()
