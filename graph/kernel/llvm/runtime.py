"""What the operators of the language mean where LLVM has no instruction for them, as LLVM IR.

Division and remainder round down, as in Python; a remainder has the sign of the divisor. An int divided by 0, and the
lowest int divided by -1, give 0. A float divided by 0 is an infinity or NaN.
"""

from __future__ import annotations

REMAINDER, FLOORED = "kernel_remainder", "kernel_floored"
INT_REMAINDER, INT_FLOORED = "kernel_int_remainder", "kernel_int_floored"
POWER, INT_POWER = "kernel_power", "kernel_int_power"

_DIVIDE = """
define linkonce_odr { double, double } @kernel_divide(double %x, double %y) alwaysinline nounwind {
  %rest = frem double %x, %y
  %multiple = fsub double %x, %rest
  %exact = fdiv double %multiple, %y
  %uneven = fcmp une double %rest, 0.0
  %y_below = fcmp olt double %y, 0.0
  %rest_below = fcmp olt double %rest, 0.0
  br i1 %uneven, label %signed, label %even
signed:
  %differ = xor i1 %y_below, %rest_below
  %one_less = fsub double %exact, 1.0
  %turned = fadd double %rest, %y
  %signed_quotient = select i1 %differ, double %one_less, double %exact
  %signed_rest = select i1 %differ, double %turned, double %rest
  br label %round
even:
  %zero = select i1 %y_below, double -0.0, double 0.0
  br label %round
round:
  %quotient = phi double [ %signed_quotient, %signed ], [ %exact, %even ]
  %remainder = phi double [ %signed_rest, %signed ], [ %zero, %even ]
  %nonzero = fcmp one double %quotient, 0.0
  br i1 %nonzero, label %whole, label %none
whole:
  %down = call double @llvm.floor.f64(double %quotient)
  %lost = fsub double %quotient, %down
  %near = fcmp ogt double %lost, 0.5
  %up = fadd double %down, 1.0
  %nearest = select i1 %near, double %up, double %down
  br label %done
none:
  %square = fmul double %quotient, %quotient
  %scaled = fmul double %square, %x
  %sign = fdiv double %scaled, %y
  br label %done
done:
  %floored = phi double [ %nearest, %whole ], [ %sign, %none ]
  %one = insertvalue { double, double } poison, double %floored, 0
  %both = insertvalue { double, double } %one, double %remainder, 1
  ret { double, double } %both
}
"""

_FLOATS = """
define linkonce_odr double @{name}(double %x, double %y) alwaysinline nounwind {{
  %by_zero = fcmp oeq double %y, 0.0
  br i1 %by_zero, label %zero, label %divide
zero:
  %undefined = {by_zero} double %x, %y
  ret double %undefined
divide:
  %both = call {{ double, double }} @kernel_divide(double %x, double %y)
  %result = extractvalue {{ double, double }} %both, {part}
  ret double %result
}}
"""

_INTS = """
define linkonce_odr i64 @{name}(i64 %x, i64 %y) alwaysinline nounwind {{
  %by_zero = icmp eq i64 %y, 0
  br i1 %by_zero, label %zero, label %nonzero
nonzero:
  %lowest = icmp eq i64 %x, -9223372036854775808
  %by_minus_one = icmp eq i64 %y, -1
  %overflows = and i1 %lowest, %by_minus_one
  br i1 %overflows, label %zero, label %divide
divide:
  %quotient = sdiv i64 %x, %y
  %multiple = mul i64 %quotient, %y
  %rest = sub i64 %x, %multiple
  %uneven = icmp ne i64 %rest, 0
  %signs = xor i64 %y, %rest
  %differ = icmp slt i64 %signs, 0
  %adjust = and i1 %uneven, %differ
  %adjusted = {adjusted}
  %result = select i1 %adjust, i64 %adjusted, i64 %{plain}
  ret i64 %result
zero:
  ret i64 0
}}
"""

_POWER = """
define linkonce_odr double @kernel_power(double %base, i64 %power) nounwind {
start:
  %negative = icmp slt i64 %power, 0
  %turned = sub i64 0, %power
  %size = select i1 %negative, i64 %turned, i64 %power
  %large = icmp sgt i64 %size, 65536
  br i1 %large, label %general, label %head
general:
  %as_float = sitofp i64 %power to double
  %result = call double @llvm.pow.f64(double %base, double %as_float)
  ret double %result
head:
  %left = phi i64 [ %size, %start ], [ %left_next, %round ]
  %factor = phi double [ %base, %start ], [ %factor_next, %round ]
  %product = phi double [ 1.0, %start ], [ %product_next, %round ]
  %more = icmp ne i64 %left, 0
  br i1 %more, label %round, label %end
round:
  %bit = and i64 %left, 1
  %odd = icmp ne i64 %bit, 0
  %multiplied = fmul double %product, %factor
  %product_next = select i1 %odd, double %multiplied, double %product
  %left_next = ashr i64 %left, 1
  %factor_next = fmul double %factor, %factor
  br label %head
end:
  %inverse = fdiv double 1.0, %product
  %signed = select i1 %negative, double %inverse, double %product
  ret double %signed
}
"""

_INT_POWER = """
define linkonce_odr i64 @kernel_int_power(i64 %base, i64 %power) nounwind {
start:
  %negative = icmp slt i64 %power, 0
  br i1 %negative, label %inverse, label %head
inverse:
  %odd_power = and i64 %power, 1
  %is_odd = icmp ne i64 %odd_power, 0
  %sign = select i1 %is_odd, i64 %base, i64 1
  %from_one = add i64 %base, 1
  %is_unit = icmp ule i64 %from_one, 2
  %is_zero = icmp eq i64 %base, 0
  %unit = select i1 %is_zero, i64 0, i64 %sign
  %result = select i1 %is_unit, i64 %unit, i64 0
  ret i64 %result
head:
  %left = phi i64 [ %power, %start ], [ %left_next, %round ]
  %factor = phi i64 [ %base, %start ], [ %factor_next, %round ]
  %product = phi i64 [ 1, %start ], [ %product_next, %round ]
  %more = icmp ne i64 %left, 0
  br i1 %more, label %round, label %end
round:
  %bit = and i64 %left, 1
  %odd = icmp ne i64 %bit, 0
  %multiplied = mul i64 %product, %factor
  %product_next = select i1 %odd, i64 %multiplied, i64 %product
  %left_next = ashr i64 %left, 1
  %factor_next = mul i64 %factor, %factor
  br label %head
end:
  ret i64 %product
}
"""

RUNTIME: dict[str, str] = {
    REMAINDER: _FLOATS.format(name=REMAINDER, by_zero="frem", part=1),
    FLOORED: _FLOATS.format(name=FLOORED, by_zero="fdiv", part=0),
    INT_REMAINDER: _INTS.format(name=INT_REMAINDER, adjusted="add i64 %rest, %y", plain="rest"),
    INT_FLOORED: _INTS.format(name=INT_FLOORED, adjusted="sub i64 %quotient, 1", plain="quotient"),
    POWER: _POWER,
    INT_POWER: _INT_POWER,
}
"""The text of each function, by name."""


_FLOOR, _POW = "llvm.floor.f64", "llvm.pow.f64"
NEEDS = {REMAINDER: _FLOOR, FLOORED: _FLOOR, POWER: _POW}
"""The LLVM intrinsic that a function calls."""


def runtime_text(names: set[str]) -> str:
    """The text of these functions, in a fixed order."""
    text = "".join(RUNTIME[name] for name in sorted(names & RUNTIME.keys()))
    return _DIVIDE + text if names & {REMAINDER, FLOORED} else text
