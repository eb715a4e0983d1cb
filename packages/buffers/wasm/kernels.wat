;; What JavaScript is bad at, and nothing else: copies and checksums of packet memory.
;;
;; The Internet checksum does not care about byte order (RFC 1071 §2 (B)): words are summed little-endian, as the machine
;; loads them, and the 16-bit result is swapped once at the end.
;;
;; The SIMD step is one multiply-add: i32x4.dot_i16x8_s with ones adds neighbouring *signed* words. Flipping the top bit
;; of each word first makes its signed value (word - 32768), so 32768 per word is added back at the end. A lane gains at
;; most 2^16 per 16 bytes, which stays below 2^31 for 512 KiB; a packet never has more than 64 KiB.
(module
  (import "prism" "memory" (memory 1 65536 shared))

  ;; sum(at, length, initial): the folded big-endian sum of the bytes on top of initial.
  (func (export "sum") (param $at i32) (param $length i32) (param $initial i32) (result i32)
    (local $end i32) (local $x i32) (local $sum i64)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $flip v128) (local $ones v128)
    (local.set $flip (v128.const i16x8 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000))
    (local.set $ones (v128.const i16x8 1 1 1 1 1 1 1 1))
    ;; 32768 for each word that goes through the SIMD loops: length / 16 * 8 words.
    (local.set $sum (i64.shl (i64.extend_i32_u (i32.shr_u (local.get $length) (i32.const 4))) (i64.const 18)))
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const 0xffffffc0))))
    (block $wide_done
      (br_if $wide_done (i32.ge_u (local.get $at) (local.get $end)))
      (loop $wide
        (local.set $a (i32x4.add (local.get $a)
          (i32x4.dot_i16x8_s (v128.xor (v128.load (local.get $at)) (local.get $flip)) (local.get $ones))))
        (local.set $b (i32x4.add (local.get $b)
          (i32x4.dot_i16x8_s (v128.xor (v128.load offset=16 (local.get $at)) (local.get $flip)) (local.get $ones))))
        (local.set $c (i32x4.add (local.get $c)
          (i32x4.dot_i16x8_s (v128.xor (v128.load offset=32 (local.get $at)) (local.get $flip)) (local.get $ones))))
        (local.set $d (i32x4.add (local.get $d)
          (i32x4.dot_i16x8_s (v128.xor (v128.load offset=48 (local.get $at)) (local.get $flip)) (local.get $ones))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br_if $wide (i32.lt_u (local.get $at) (local.get $end)))))
    (local.set $end (i32.add (local.get $end) (i32.and (local.get $length) (i32.const 0x30))))
    (block $narrow_done
      (br_if $narrow_done (i32.ge_u (local.get $at) (local.get $end)))
      (loop $narrow
        (local.set $a (i32x4.add (local.get $a)
          (i32x4.dot_i16x8_s (v128.xor (v128.load (local.get $at)) (local.get $flip)) (local.get $ones))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $narrow (i32.lt_u (local.get $at) (local.get $end)))))
    (local.set $a (i32x4.add (i32x4.add (local.get $a) (local.get $b)) (i32x4.add (local.get $c) (local.get $d))))
    ;; V8 does not inline calls between WebAssembly functions, so both kernels end with these same lines: add up the
    ;; lanes, fold to 32 bits, then to 16 (adding a word to itself rotated by 16 leaves the folded sum in the upper half),
    ;; swap the bytes, add the big-endian initial sum and fold again.
    (local.set $sum (i64.add (local.get $sum) (i64.add
      (i64.add
        (i64.extend_i32_s (i32x4.extract_lane 0 (local.get $a)))
        (i64.extend_i32_s (i32x4.extract_lane 1 (local.get $a))))
      (i64.add
        (i64.extend_i32_s (i32x4.extract_lane 2 (local.get $a)))
        (i64.extend_i32_s (i32x4.extract_lane 3 (local.get $a)))))))
    (if (i32.and (local.get $length) (i32.const 8))
      (then
        (local.set $sum (i64.add (local.get $sum)
          (i64.add (i64.load32_u (local.get $at)) (i64.load32_u offset=4 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))))
    (if (i32.and (local.get $length) (i32.const 4))
      (then
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))))
    (if (i32.and (local.get $length) (i32.const 2))
      (then
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.and (local.get $length) (i32.const 1))
      (then (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffffffff)) (i64.shr_u (local.get $sum) (i64.const 32))))
    (local.set $x (i32.wrap_i64 (i64.add (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 32)))))
    (local.set $x (i32.shr_u (i32.add (local.get $x) (i32.rotl (local.get $x) (i32.const 16))) (i32.const 16)))
    (local.set $x
      (i32.add
        (local.get $initial)
        (i32.or
          (i32.shr_u (local.get $x) (i32.const 8))
          (i32.and (i32.shl (local.get $x) (i32.const 8)) (i32.const 0xff00)))))
    (i32.shr_u (i32.add (local.get $x) (i32.rotl (local.get $x) (i32.const 16))) (i32.const 16)))

  ;; copyAndSum(to, from, length, initial): copies and sums in one pass over the bytes. The ranges must not overlap.
  (func (export "copyAndSum") (param $to i32) (param $at i32) (param $length i32) (param $initial i32) (result i32)
    (local $end i32) (local $x i32) (local $sum i64) (local $v v128) (local $w v128)
    (local $a v128) (local $b v128) (local $flip v128) (local $ones v128)
    (local.set $flip (v128.const i16x8 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000 0x8000))
    (local.set $ones (v128.const i16x8 1 1 1 1 1 1 1 1))
    (local.set $sum (i64.shl (i64.extend_i32_u (i32.shr_u (local.get $length) (i32.const 4))) (i64.const 18)))
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const 0xffffffc0))))
    (block $wide_done
      (br_if $wide_done (i32.ge_u (local.get $at) (local.get $end)))
      (loop $wide
        (local.set $v (v128.load (local.get $at)))
        (local.set $w (v128.load offset=16 (local.get $at)))
        (v128.store (local.get $to) (local.get $v))
        (v128.store offset=16 (local.get $to) (local.get $w))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.xor (local.get $v) (local.get $flip)) (local.get $ones))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (v128.xor (local.get $w) (local.get $flip)) (local.get $ones))))
        (local.set $v (v128.load offset=32 (local.get $at)))
        (local.set $w (v128.load offset=48 (local.get $at)))
        (v128.store offset=32 (local.get $to) (local.get $v))
        (v128.store offset=48 (local.get $to) (local.get $w))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.xor (local.get $v) (local.get $flip)) (local.get $ones))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (v128.xor (local.get $w) (local.get $flip)) (local.get $ones))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $wide (i32.lt_u (local.get $at) (local.get $end)))))
    (local.set $end (i32.add (local.get $end) (i32.and (local.get $length) (i32.const 0x30))))
    (block $narrow_done
      (br_if $narrow_done (i32.ge_u (local.get $at) (local.get $end)))
      (loop $narrow
        (local.set $v (v128.load (local.get $at)))
        (v128.store (local.get $to) (local.get $v))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.xor (local.get $v) (local.get $flip)) (local.get $ones))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br_if $narrow (i32.lt_u (local.get $at) (local.get $end)))))
    (local.set $a (i32x4.add (local.get $a) (local.get $b)))
    (local.set $sum (i64.add (local.get $sum) (i64.add
      (i64.add
        (i64.extend_i32_s (i32x4.extract_lane 0 (local.get $a)))
        (i64.extend_i32_s (i32x4.extract_lane 1 (local.get $a))))
      (i64.add
        (i64.extend_i32_s (i32x4.extract_lane 2 (local.get $a)))
        (i64.extend_i32_s (i32x4.extract_lane 3 (local.get $a)))))))
    (if (i32.and (local.get $length) (i32.const 8))
      (then
        (i64.store (local.get $to) (i64.load (local.get $at)))
        (local.set $sum (i64.add (local.get $sum)
          (i64.add (i64.load32_u (local.get $at)) (i64.load32_u offset=4 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $to (i32.add (local.get $to) (i32.const 8)))))
    (if (i32.and (local.get $length) (i32.const 4))
      (then
        (i32.store (local.get $to) (i32.load (local.get $at)))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))))
    (if (i32.and (local.get $length) (i32.const 2))
      (then
        (i32.store16 (local.get $to) (i32.load16_u (local.get $at)))
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))))
    (if (i32.and (local.get $length) (i32.const 1))
      (then
        (i32.store8 (local.get $to) (i32.load8_u (local.get $at)))
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffffffff)) (i64.shr_u (local.get $sum) (i64.const 32))))
    (local.set $x (i32.wrap_i64 (i64.add (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 32)))))
    (local.set $x (i32.shr_u (i32.add (local.get $x) (i32.rotl (local.get $x) (i32.const 16))) (i32.const 16)))
    (local.set $x
      (i32.add
        (local.get $initial)
        (i32.or
          (i32.shr_u (local.get $x) (i32.const 8))
          (i32.and (i32.shl (local.get $x) (i32.const 8)) (i32.const 0xff00)))))
    (i32.shr_u (i32.add (local.get $x) (i32.rotl (local.get $x) (i32.const 16))) (i32.const 16)))

  ;; copy(to, from, length): memory.copy, which is memmove; ranges may overlap.
  (func (export "copy") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length)))

  ;; fill(at, value, length)
  (func (export "fill") (param $at i32) (param $value i32) (param $length i32)
    (memory.fill (local.get $at) (local.get $value) (local.get $length))))
