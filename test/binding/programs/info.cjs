// Prints what info() says of the addon under the environment's settings.
const { info } = require('tfjs-native');
console.log(JSON.stringify(info()));
