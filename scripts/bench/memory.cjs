// Loaded before a program (node --require): prints the most memory that it took, in MB, when it ends.
process.on('exit', () => console.log(JSON.stringify({ maxRss: process.resourceUsage().maxRSS / 1024 })));
