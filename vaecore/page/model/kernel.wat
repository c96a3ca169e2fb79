;; The matrix product of every layer, in 32-bit floats, four outputs and four inputs at a time.
;; tools/kernel.py makes kernel.js of it.
(module
  (import "page" "memory" (memory 1))

  ;; out[b][r] = bias[r] + sum of weight[r][c] * x[b][c]; places are bytes, rows and columns
  ;; multiples of four. Four rows of weights stay in the cache for all of the batch.
  (func (export "multiply")
    (param $out i32) (param $weight i32) (param $x i32) (param $bias i32)
    (param $rows i32) (param $columns i32) (param $batch i32)
    (local $width i32) (local $r i32) (local $b i32) (local $in i32) (local $end i32)
    (local $w0 i32) (local $w1 i32) (local $w2 i32) (local $w3 i32)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128) (local $v v128)
    (local.set $width (i32.shl (local.get $columns) (i32.const 2)))
    (loop $row
      (local.set $b (i32.const 0))
      (local.set $in (local.get $x))
      (loop $each
        (local.set $w0 (i32.add (local.get $weight) (i32.mul (local.get $r) (local.get $width))))
        (local.set $w1 (i32.add (local.get $w0) (local.get $width)))
        (local.set $w2 (i32.add (local.get $w1) (local.get $width)))
        (local.set $w3 (i32.add (local.get $w2) (local.get $width)))
        (local.set $end (i32.add (local.get $in) (local.get $width)))
        (local.set $a0 (v128.const f32x4 0 0 0 0))
        (local.set $a1 (v128.const f32x4 0 0 0 0))
        (local.set $a2 (v128.const f32x4 0 0 0 0))
        (local.set $a3 (v128.const f32x4 0 0 0 0))
        (loop $four
          (local.set $v (v128.load (local.get $in)))
          (local.set $a0 (f32x4.add (local.get $a0)
            (f32x4.mul (local.get $v) (v128.load (local.get $w0)))))
          (local.set $a1 (f32x4.add (local.get $a1)
            (f32x4.mul (local.get $v) (v128.load (local.get $w1)))))
          (local.set $a2 (f32x4.add (local.get $a2)
            (f32x4.mul (local.get $v) (v128.load (local.get $w2)))))
          (local.set $a3 (f32x4.add (local.get $a3)
            (f32x4.mul (local.get $v) (v128.load (local.get $w3)))))
          (local.set $w0 (i32.add (local.get $w0) (i32.const 16)))
          (local.set $w1 (i32.add (local.get $w1) (i32.const 16)))
          (local.set $w2 (i32.add (local.get $w2) (i32.const 16)))
          (local.set $w3 (i32.add (local.get $w3) (i32.const 16)))
          (br_if $four (i32.lt_u
            (local.tee $in (i32.add (local.get $in) (i32.const 16))) (local.get $end))))
        ;; The sums of the four vectors, in one vector.
        (local.set $a0 (f32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a0) (local.get $a1))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
            (local.get $a0) (local.get $a1))))
        (local.set $a2 (f32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a2) (local.get $a3))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
            (local.get $a2) (local.get $a3))))
        (v128.store
          (i32.add (local.get $out) (i32.shl
            (i32.add (i32.mul (local.get $b) (local.get $rows)) (local.get $r)) (i32.const 2)))
          (f32x4.add
            (v128.load (i32.add (local.get $bias) (i32.shl (local.get $r) (i32.const 2))))
            (f32x4.add
              (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
                (local.get $a0) (local.get $a2))
              (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
                (local.get $a0) (local.get $a2)))))
        (br_if $each (i32.lt_u
          (local.tee $b (i32.add (local.get $b) (i32.const 1))) (local.get $batch))))
      (br_if $row (i32.lt_u
        (local.tee $r (i32.add (local.get $r) (i32.const 4))) (local.get $rows))))))
