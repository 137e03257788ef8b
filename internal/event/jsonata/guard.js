// QuickJS runs this before the library. It does not look at its timeout inside join, and the library pads strings by
// joining empty arrays: $pad("", 1e9) would take minutes.
(function () {
  var join = Array.prototype.join;
  Array.prototype.join = function (separator) {
    if (this.length > 1000000) {
      throw { message: "it makes a string of more than 1,000,000 parts" };
    }
    return join.call(this, separator);
  };
})();
