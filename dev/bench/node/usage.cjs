// Tells what the processor did for CDK's process: until the app asks for the synthesis, and from then on. It is loaded by
// --require, and looks at the requests that come in over a pipe.
const fs = require('fs');
if ((process.argv[1] || '').endsWith('program.js')) {
  const seconds = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6; };
  const read = fs.readSync;
  let asked = 0;
  fs.readSync = (fd, buffer, offset, ...rest) => {
    const n = read.call(fs, fd, buffer, offset, ...rest);
    const from = offset || 0;
    if (!asked && n > 0 && buffer.subarray(from, from + n).includes('"method":"synth"')) asked = seconds();
    return n;
  };
  process.on('exit', () => fs.writeFileSync(process.env.BENCH_USAGE, JSON.stringify({ created: asked, synthesized: seconds() - asked })));
}
